"""Programs of other projects on Twisted and on Ropewalk: see README.md in this folder."""
