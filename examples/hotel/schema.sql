CREATE TABLE IF NOT EXISTS rooms (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    beds INTEGER NOT NULL CHECK (beds > 0),
    price INTEGER NOT NULL CHECK (price >= 0)
);

CREATE TABLE IF NOT EXISTS guests (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE
);

-- A booking holds its room for the nights from arrival up to, but not including, departure.
CREATE TABLE IF NOT EXISTS bookings (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms,
    guest INTEGER NOT NULL REFERENCES guests,
    arrival TEXT NOT NULL,
    departure TEXT NOT NULL,
    CHECK (arrival < departure)
);

CREATE INDEX IF NOT EXISTS bookings_by_room ON bookings (room, arrival);
CREATE INDEX IF NOT EXISTS bookings_by_guest ON bookings (guest);
