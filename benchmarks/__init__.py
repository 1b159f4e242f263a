"""Comparisons of Ropewalk with other servers: see README.md in this folder."""
