"""Todo: a small REST service with users, tokens and pages of results, kept in SQLite.

Run it with `ropewalk run todo` in the parent folder. `TODO_SECRET` is the key that signs tokens: at least 32 bytes.
`TODO_DATABASE` names the database file, `todo.sqlite` if not set.
"""

from todo.service import app

__all__ = ["app"]
