"""Errors of a wrong argument have a code. Those that have none are listed here, with the reason."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import ropewalk

PACKAGE = Path(ropewalk.__file__).parent

BUILT_IN = {"ValueError", "TypeError"}

KEPT = {
    # Ropewalk catches these errors itself, and then raises an error with a code or sends a response.
    "server/endpoint_descriptions.py": 8,
    "dropin/entry/endpoint_prefix.py": 1,
    "cli/limits.py": 2,
    "etags.py": 1,
    "typed/value_shapes.py": 1,
    "converters.py": 6,  # `Converter.parse` refuses a segment by ValueError, also in users' converters
    # An interface of Python, Twisted, WSGI or ASGI requires this class.
    "dropin/object_proxy.py": 1,
    "forms/upload_file.py": 2,
    "dropin/connection/channel.py": 1,
    "wsgi/error_stream.py": 1,
    "asgi/messages.py": 1,
    # The argument is a value at run time, such as the password of a client, and not an option.
    "auth/passwords.py": 1,
    # The wrong argument is in a call in a test, and pytest shows this line.
    "testing/async_client.py": 4,
    "testing/client_clock.py": 3,
    "testing/outgoing.py": 1,
    "testing/request_bodies.py": 6,
    "testing/targets.py": 4,
    "testing/timeouts.py": 1,
}
"""How many errors each file raises without a code."""


def raised_without_code(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id in BUILT_IN:
                yield raised.id


def test_errors_without_a_code_have_a_reason() -> None:
    found = Counter(
        file.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("*.py") for _ in raised_without_code(file)
    )
    assert found == KEPT
