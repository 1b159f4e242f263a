"""Requests of twisted.web programs: receiving, rendering, sending and logging."""
