"""The development server: `ropewalk dev` restarts the program after a change, refreshes the browser, and shows errors.

Only `ropewalk dev` imports this package.
"""
