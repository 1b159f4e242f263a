"""Slowness, size and malice against one server, while a second client goes on asking."""
