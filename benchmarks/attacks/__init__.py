"""Slow, large and malicious clients attack a server, while a second client sends ordinary requests."""
