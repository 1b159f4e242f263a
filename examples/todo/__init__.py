"""Todo: a small REST service with users, tokens and pages of results, kept in memory.

Run it with `ropewalk run todo`, beside its folder. `TODO_SECRET` is the key of the tokens: at least 32 bytes.
"""

from todo.service import app

__all__ = ["app"]
