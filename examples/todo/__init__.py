"""Todo: a small REST service with users, tokens and pages of results, kept in memory.

Run it with `ropewalk run todo` in the parent folder. `TODO_SECRET` is the key that signs tokens: at least 32 bytes.
"""

from todo.service import app

__all__ = ["app"]
