"""Python imports this at its start where this folder is on its path.

It counts the connections that Ropewalk's channel has, a byte each in a file, and where INTEROP_INSTALL is set it puts
Ropewalk under the process as `ropewalk exec` does, so that the servers which a suite starts have it too.
"""
