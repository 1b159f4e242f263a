"""Checks whether a function can be called with a number of positional arguments."""

from inspect import signature
from typing import Any


def accepts(function: Any, count: int) -> bool:
    """Whether a callable takes `count` positional arguments and needs no others.

    It is also True for a callable without a signature, such as some that are written in C.
    """
    try:
        signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
