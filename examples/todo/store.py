"""The database, in the file that TODO_DATABASE names. A missing file is created."""

import os
from typing import Annotated

from ropewalk.databases import SQLite, SQLiteOptions, SQLiteReader, SQLiteTransaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL REFERENCES users,
    title TEXT NOT NULL,
    due TEXT,
    done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS todos_by_owner ON todos (owner, id);
"""

database = SQLite(lambda: os.environ.get("TODO_DATABASE", "todo.sqlite"), SQLiteOptions(schema=SCHEMA))

Reader = Annotated[SQLiteReader, database.read]
Transaction = Annotated[SQLiteTransaction, database.transaction]
