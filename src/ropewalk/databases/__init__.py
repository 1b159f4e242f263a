"""Databases as dependencies of handlers: `SQLite`, with a transaction for each request and parallel reads.

Statements run in threads, so that the reactor never waits for the disk. This works on every reactor.
"""

from ropewalk.databases.busy import DatabaseBusy
from ropewalk.databases.options import SQLiteOptions
from ropewalk.databases.pool import SQLitePool
from ropewalk.databases.reader import SQLiteReader
from ropewalk.databases.sqlite import SQLite
from ropewalk.databases.transaction import SQLiteTransaction

__all__ = ["DatabaseBusy", "SQLite", "SQLiteOptions", "SQLitePool", "SQLiteReader", "SQLiteTransaction"]
