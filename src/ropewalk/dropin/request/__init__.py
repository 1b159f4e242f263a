"""Requests of twisted.web programs, and what they log and send."""
