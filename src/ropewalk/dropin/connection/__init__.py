"""Connections of twisted.web programs on the engine."""
