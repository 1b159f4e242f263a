"""Whether a function can be called with some number of positional arguments."""

from inspect import signature
from typing import Any


def accepts(function: Any, count: int) -> bool:
    """Whether a callable takes `count` positional arguments and needs no others.

    True for a callable that is not written in Python and has no signature.
    """
    try:
        signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
