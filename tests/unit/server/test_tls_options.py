"""`TLSOptions`, and the errors for options that make no sense."""

import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import make_files

from ropewalk.errors import StartError
from ropewalk.server import TLSOptions, load_tls


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "TLSOptions has no certificate. Set certificate="),
        ({"key": "key.pem"}, "TLSOptions has no certificate."),
        ({"certificate": ""}, "TLSOptions has no certificate."),
        ({"certificate": b"x"}, "The certificate of TLSOptions is of type bytes."),
        ({"certificate": "x", "key": 5}, "The key of TLSOptions is of type int."),
        ({"certificate": "x", "key": b"-----BEGIN PRIVATE KEY-----"}, "The key of TLSOptions is of type bytes."),
        ({"certificate": "x", "key": "-----BEGIN PRIVATE KEY-----\nAA"}, "The key of TLSOptions is the text of a key"),
        ({"certificate": "x", "minimum_version": "1.1"}, "The minimum_version of TLSOptions is '1.1'. Set it to"),
        ({"certificate": "x", "minimum_version": 1.3}, "The minimum_version of TLSOptions is 1.3."),
        ({"certificate": "x", "self_signed": True}, "TLSOptions has self_signed, and files that would not be used."),
        ({"certificate": "x", "client_ca": 5}, "The client_ca of TLSOptions is of type int."),
        ({"certificate": "x", "client_certificates": "no"}, "The client_certificates of TLSOptions is 'no'."),
        (
            {"certificate": "x", "client_certificates": "optional"},
            "TLSOptions has client_certificates, and no authority",
        ),
        ({"self_signed": True, "local_authority": True}, "TLSOptions has self_signed and local_authority."),
        ({"certificate": "x", "local_authority": True}, "TLSOptions has local_authority, and files that would not"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(StartError) as caught:
        TLSOptions(**options)
    assert f"{caught.value}".startswith(f"RW426 {message}")
    assert "-----BEGIN" not in f"{caught.value}"


def test_the_key_may_be_in_the_file_of_the_certificate() -> None:
    options = TLSOptions(certificate="both.pem")
    assert (options.certificate_file, options.key_file) == (Path("both.pem"), Path("both.pem"))


def test_options_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        TLSOptions(certificate="x").certificate = "y"  # type: ignore[misc]


@pytest.mark.parametrize("given", ["-----BEGIN PRIVATE KEY-----", ("certificate.pem", "key.pem"), True])
def test_another_value_than_options(given: Any) -> None:
    with pytest.raises(StartError, match="RW426 tls is of type .* Give TLSOptions") as caught:
        load_tls(given)
    assert "-----BEGIN" not in f"{caught.value}"


@pytest.mark.parametrize(
    ("module", "package"),
    [("OpenSSL", "pyOpenSSL"), ("cryptography", "cryptography"), ("service_identity", "service_identity")],
)
def test_the_extra_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str) -> None:
    files = make_files(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StartError, match=rf"RW750 TLS needs {package}, which is not installed. Run .*\[tls\]"):
        load_tls(TLSOptions(certificate=files.certificate, key=files.key))
