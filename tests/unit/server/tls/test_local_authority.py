"""The authority for development: where it is kept, who can read it, and what it may sign."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ropewalk.errors import StartError
from ropewalk.server import TLSOptions, load_tls
from ropewalk.server.tls import local_authority as module
from ropewalk.server.tls.identity import Identity
from ropewalk.server.tls.local_authority import data_folder, how_to_trust, local_authority


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "ropewalk"


def accepts(identity: Identity, authority: x509.Certificate, host: str, tmp_path: Path, *, strict: bool = True) -> bool:
    """Whether a TLS client that trusts an authority accepts a certificate for a host."""
    files = tmp_path / "served.pem"
    chain = [identity.certificate, *identity.chain]
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.write_bytes(key + b"".join(each.public_bytes(Encoding.PEM) for each in chain))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files)
    trusting = ssl.create_default_context(cadata=authority.public_bytes(Encoding.PEM).decode())
    if strict:  # the default since Python 3.13
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for each in (client, server):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return client.getpeercert() is not None


class TestFiles:
    def test_it_is_made_once(self, folder: Path) -> None:
        first, second = local_authority(), local_authority()
        assert (first.is_new, second.is_new) == (True, False)
        assert first.certificate == second.certificate
        assert first.file == folder / "authority.pem"
        assert sorted(each.name for each in folder.iterdir()) == ["authority-key.pem", "authority.pem"]

    def test_only_the_user_can_read_the_key(self, folder: Path) -> None:
        local_authority()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "authority-key.pem").stat().st_mode & 0o777 == 0o600
        assert "PRIVATE" not in (folder / "authority.pem").read_text()

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_a_key_that_others_can_read_or_write_is_refused(self, folder: Path, mode: int) -> None:
        local_authority()
        (folder / "authority-key.pem").chmod(mode)
        with pytest.raises(StartError, match=r"RW425 .*authority-key.pem, .* is open to other users\. Remove it"):
            local_authority()

    def test_a_damaged_key(self, folder: Path) -> None:
        local_authority()
        (folder / "authority-key.pem").write_text("damaged")
        with pytest.raises(StartError, match="RW425"):
            local_authority()

    def test_a_missing_copy_for_browsers_is_written_again(self, folder: Path) -> None:
        authority = local_authority()
        authority.file.unlink()
        assert local_authority().certificate == authority.certificate
        assert authority.file.exists()

    def test_one_that_ends_soon_is_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "DAYS_VALID", 59)
        first = local_authority()
        monkeypatch.setattr(module, "DAYS_VALID", 3650)
        second = local_authority()
        assert second.is_new
        assert second.certificate != first.certificate
        assert second.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3000)
        assert x509.load_pem_x509_certificate(second.file.read_bytes()) == second.certificate

    def test_a_folder_that_cannot_be_written(self, folder: Path) -> None:
        folder.parent.write_text("a file")
        with pytest.raises(StartError, match=r"RW425 .* cannot be written: .*XDG_DATA_HOME"):
            local_authority()

    @pytest.mark.parametrize("given", ["", "relative"])
    def test_the_default_folder(self, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", given)
        monkeypatch.setenv("HOME", "/home/ada")
        assert data_folder() == Path("/home/ada/.local/share/ropewalk")


class TestCertificates:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
    def test_a_client_that_trusts_the_authority_accepts_them(self, host: str, tmp_path: Path) -> None:
        authority = local_authority()
        assert accepts(authority.issue(), authority.certificate, host, tmp_path)

    def test_they_name_the_key_of_the_authority(self) -> None:
        authority = local_authority()
        issued = authority.issue().certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        assert issued.value.key_identifier == own.value.key_identifier

    def test_another_client_does_not(self, tmp_path: Path) -> None:
        other = local_authority(tmp_path / "other")
        assert not accepts(local_authority().issue(), other.certificate, "localhost", tmp_path)

    def test_each_start_has_another_key(self) -> None:
        authority = local_authority()
        assert authority.issue().certificate != authority.issue().certificate

    @pytest.mark.parametrize(("host", "accepted"), [("example.com", False), ("localhost", True)])
    def test_a_stolen_key_is_worth_nothing_elsewhere(self, host: str, accepted: bool, tmp_path: Path) -> None:
        authority = local_authority()
        issued = authority.issue()
        now = datetime.now(UTC)
        forged = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.certificate.subject)
            .public_key(issued.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
            .sign(authority.key, hashes.SHA256())
        )
        identity = Identity(forged, (), issued.key, issued.names)
        assert accepts(identity, authority.certificate, host, tmp_path, strict=False) == accepted


class TestServing:
    def test_it_says_how_to_trust_it(self, folder: Path) -> None:
        tls = load_tls(TLSOptions(local_authority=True))
        (line,) = tls.warnings()
        assert f"the local authority {folder / 'authority.pem'}, which was made now: import this file" in line
        assert "must be trusted once" in how_to_trust(local_authority())
        assert tls.covers("localhost")

    @pytest.mark.parametrize("endpoint", ["tcp:8443:interface=0.0.0.0", "tcp:8443:interface=192.0.2.1"])
    def test_it_is_for_this_machine(self, endpoint: str) -> None:
        with pytest.raises(StartError, match="RW426 .* is open to other machines"):
            load_tls(TLSOptions(local_authority=True)).check_endpoint(endpoint)

    @pytest.mark.parametrize("more", [{"certificate": "x"}, {"key": "x"}, {"self_signed": True}])
    def test_contradictions(self, more: dict[str, Any]) -> None:
        with pytest.raises(StartError, match="RW426"):
            TLSOptions(local_authority=True, **more)


def test_the_owner_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_authority()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(StartError, match="is open to other users"):
        local_authority()
