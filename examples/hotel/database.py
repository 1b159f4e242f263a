"""The database of the hotel, in the file that HOTEL_DATABASE names. A missing file is created."""

import os
from pathlib import Path
from typing import Annotated

from ropewalk.databases import SQLite, SQLiteOptions, SQLiteReader, SQLiteTransaction

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")

database = SQLite(lambda: os.environ.get("HOTEL_DATABASE", "hotel.sqlite"), SQLiteOptions(schema=SCHEMA))

Transaction = Annotated[SQLiteTransaction, database.transaction]
"""The annotation of a parameter that writes. It is committed before the response is sent."""

Reader = Annotated[SQLiteReader, database.read]
"""The annotation of a parameter that reads."""

Statements = SQLiteReader | SQLiteTransaction
