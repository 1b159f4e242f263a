"""The names of files that are never served."""

import pytest

from ropewalk.hidden_files import is_hidden


@pytest.mark.parametrize("name", [".git", ".env", ".", "..", ".well-known2", "", "a/b", "a\0"])
def test_hidden(name: str) -> None:
    assert is_hidden(name)


@pytest.mark.parametrize("name", ["index.html", ".well-known", "a.b", "a."])
def test_served(name: str) -> None:
    assert not is_hidden(name)
