"""The hosts for which a certificate is valid."""

from pathlib import Path

import pytest
from tests.certificates import make_files

from ropewalk.server.tls.identity import read_identity


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("www.example.com", True),
        ("a.www.example.com", False),
        ("example.com", False),
        (".example.com", False),
        ("evil.com", False),
        ("localhost.evil.com", False),
        ("127.0.0.2", False),
        ("[::2]", False),
        ("com", False),
        ("", False),
        ("*", False),
        ("*.example.com", False),
    ],
)
def test_alternative_names(tmp_path: Path, host: str, covered: bool) -> None:
    files = make_files(tmp_path)
    assert read_identity(files.certificate, files.key).names.cover(host) == covered


def test_the_common_name_counts_only_alone(tmp_path: Path) -> None:
    files = make_files(tmp_path, hosts=(), addresses=(), common_name="Old.Example")
    assert read_identity(files.certificate, files.key).names.cover("old.example")
    files = make_files(tmp_path, hosts=("new.example",), common_name="old.example")
    names = read_identity(files.certificate, files.key).names
    assert (names.cover("old.example"), names.cover("new.example")) == (False, True)
