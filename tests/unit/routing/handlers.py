"""Handlers for the tests of routes."""

from typing import Any

from ropewalk import Request


def responding(word: str) -> Any:
    def handler(request: Request) -> str:
        return word

    return handler
