"""Programs that others wrote, on Twisted as it is and with Ropewalk under it: see README.md in this folder."""
