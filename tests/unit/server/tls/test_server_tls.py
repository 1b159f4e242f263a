"""The certificate of a server: warnings, and what happens when its files change."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import NOW, Files, make_files
from tests.unit.conftest import Log
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface.verify import verifyObject

from ropewalk.errors import StartError
from ropewalk.server import TLSOptions
from ropewalk.server.tls import ServerTLS
from ropewalk.server.tls.identity import LARGEST
from ropewalk.server.tls.server_tls import CHECK_INTERVAL


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def serial(tls: ServerTLS) -> Any:
    """The serial number of the certificate that a new connection has."""
    certificate = tls.serverConnectionForTLS(None).get_certificate(as_cryptography=True)
    assert certificate is not None
    return certificate.serial_number


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return make_files(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tls(files: Files, clock: Clock) -> ServerTLS:
    return ServerTLS(TLSOptions(certificate=files.certificate, key=files.key), clock)


class TestReload:
    def test_a_renewed_certificate(self, tls: ServerTLS, clock: Clock, tmp_path: Path, log: Log) -> None:
        first = serial(tls)
        make_files(tmp_path, hosts=["new.example"])
        assert serial(tls) == first  # the files are checked once in an interval, not for each connection
        clock.now += CHECK_INTERVAL
        second = serial(tls)
        assert second != first
        assert tls.covers("new.example")
        assert "The TLS certificate is read again. It is valid until " in log.text

    def test_unchanged_files_are_not_read_again(self, tls: ServerTLS, clock: Clock, log: Log) -> None:
        clock.now += CHECK_INTERVAL
        serial(tls)
        assert log == []

    def test_half_of_a_pair(self, tls: ServerTLS, clock: Clock, files: Files, tmp_path: Path, log: Log) -> None:
        first = serial(tls)
        (tmp_path / "new").mkdir()
        renewed = make_files(tmp_path / "new")
        renewed.certificate.rename(files.certificate)
        for _ in range(3):
            clock.now += CHECK_INTERVAL
            assert serial(tls) == first
        assert log.text.count("the old one stays in use. RW425 ") == 1
        renewed.key.rename(files.key)
        clock.now += CHECK_INTERVAL
        assert serial(tls) != first

    def test_a_link_with_another_target(self, clock: Clock, tmp_path: Path) -> None:
        """certbot renews a certificate in this way: it changes the target of a symbolic link."""
        for name in ("old", "new"):
            (tmp_path / name).mkdir()
            make_files(tmp_path / name)
        live = tmp_path / "live"
        live.symlink_to(tmp_path / "old")
        tls = ServerTLS(TLSOptions(certificate=live / "certificate.pem", key=live / "certificate-key.pem"), clock)
        first = serial(tls)
        live.unlink()
        live.symlink_to(tmp_path / "new")
        clock.now += CHECK_INTERVAL
        assert serial(tls) != first

    @pytest.mark.parametrize("name", ["certificate", "key"])
    def test_a_pipe_does_not_block(
        self, tls: ServerTLS, clock: Clock, files: Files, name: str, log: Log, tmp_path: Path
    ) -> None:
        first = serial(tls)
        path: Path = getattr(files, name)
        path.unlink()
        os.mkfifo(path)
        for _ in range(2):
            clock.now += CHECK_INTERVAL
            assert serial(tls) == first
        assert log.text.count(f"the old one stays in use. RW425 {path} is not a regular file. ") == 1
        path.unlink()
        make_files(tmp_path)
        clock.now += CHECK_INTERVAL
        assert serial(tls) != first

    def test_a_pipe_at_the_start(self, clock: Clock, files: Files, log: Log) -> None:
        """As a shell passes it: `--tls-key <(decrypt key)`. It is read once."""
        data = files.key.read_bytes()
        files.key.unlink()
        os.mkfifo(files.key)
        with ThreadPoolExecutor() as threads:
            written = threads.submit(files.key.write_bytes, data)
            tls = ServerTLS(TLSOptions(certificate=files.certificate, key=files.key), clock)
            written.result(timeout=10)
        first = serial(tls)
        clock.now += CHECK_INTERVAL
        assert serial(tls) == first
        assert log == []

    def test_a_file_that_is_too_large(self, tls: ServerTLS, clock: Clock, files: Files, log: Log) -> None:
        first = serial(tls)
        with files.certificate.open("ab") as file:
            file.truncate(LARGEST + 1)
        clock.now += CHECK_INTERVAL
        assert serial(tls) == first
        assert f"{files.certificate}, the TLS certificate, is larger than 4 MiB. " in log.text

    def test_files_that_are_gone(self, tls: ServerTLS, clock: Clock, files: Files, log: Log) -> None:
        first = serial(tls)
        files.certificate.unlink()
        clock.now += CHECK_INTERVAL
        assert serial(tls) == first
        assert "the old one stays in use. RW425 " in log.text

    def test_one_that_has_expired(self, tls: ServerTLS, clock: Clock, tmp_path: Path, log: Log) -> None:
        make_files(tmp_path, ends=NOW - timedelta(hours=1))
        clock.now += CHECK_INTERVAL
        serial(tls)
        assert "expired on" in log.text

    def test_a_self_signed_one_stays(self, clock: Clock) -> None:
        tls = ServerTLS(TLSOptions(self_signed=True), clock)
        first = serial(tls)
        clock.now += CHECK_INTERVAL
        assert serial(tls) == first


class TestWarnings:
    def test_none(self, tls: ServerTLS) -> None:
        assert tls.warnings() == []

    def test_a_key_that_every_user_can_read(self, tls: ServerTLS, files: Files) -> None:
        files.key.chmod(0o604)
        command = f"run `chmod 600 {files.key}`."
        assert tls.warnings() == [f"Every user of this machine can read the TLS key {files.key}: {command}"]

    def test_a_certificate_that_has_expired(self, tmp_path: Path) -> None:
        files = make_files(tmp_path, ends=NOW - timedelta(hours=1))
        (warning,) = ServerTLS(TLSOptions(certificate=files.certificate, key=files.key)).warnings()
        assert "expired on" in warning

    def test_a_self_signed_certificate(self) -> None:
        tls = ServerTLS(TLSOptions(self_signed=True))
        assert [tls.covers(name) for name in ("localhost", "127.0.0.1", "[::1]", "example.com")] == [True] * 3 + [False]
        (warning,) = tls.warnings()
        assert "SHA-256: " in warning
        assert warning != ServerTLS(TLSOptions(self_signed=True)).warnings()[0]


class TestEndpoints:
    @pytest.mark.parametrize("endpoint", ["tcp:0", "tcp:0:interface=10.0.0.1", "tcp6:0", "tcp:0:interface=example.com"])
    def test_a_self_signed_certificate_is_for_this_machine(self, endpoint: str) -> None:
        with pytest.raises(StartError, match=f"RW426 {endpoint} is open to other machines"):
            ServerTLS(TLSOptions(self_signed=True)).check_endpoint(endpoint)

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "\\:\\:1", "localhost"])
    def test_its_addresses(self, host: str) -> None:
        ServerTLS(TLSOptions(self_signed=True)).check_endpoint(f"tcp:0:interface={host}")

    def test_unix(self, tls: ServerTLS) -> None:
        with pytest.raises(StartError, match="RW426 unix:/run/app.sock cannot use TLS: it is a UNIX socket"):
            tls.check_endpoint("unix:/run/app.sock")

    def test_a_malformed_one(self, tls: ServerTLS) -> None:
        with pytest.raises(StartError, match="RW401"):
            tls.check_endpoint("tcp:x")


def test_the_interface(tls: ServerTLS) -> None:
    assert verifyObject(IOpenSSLServerConnectionCreator, tls)
