"""Certificates of clients: they are required or optional, and a handler can read them."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.certificates import NOW, Authority, Files, make_authority, make_files
from tests.processes import Server, ropewalk

APP = """
from ropewalk import App

app = App()


@app.get("/")
def who(request):
    given = request.client_certificate
    if given is None:
        return {"name": None}
    found = {"name": given.common_name, "names": given.names, "issuer": given.issuer, "subject": given.subject}
    return found | {"fingerprint": given.fingerprint, "ends": given.not_valid_after, "pem": given.pem}
"""


@pytest.fixture
def authority() -> Authority:
    return make_authority("Partners")


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> Files:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "partners.pem").write_text(authority.pem)
    return make_files(tmp_path)


@contextmanager
def serving(files: Files, *more: str) -> Iterator[Server]:
    flags = (*files.flags, "--tls-client-ca", "partners.pem", *more)
    with ropewalk("run", "app.py", *flags, cwd=files.certificate.parent) as server:
        yield server
    assert "Traceback" not in server.errors, server.errors


def get(server: Server, files: Files, client: Files | None, version: str = "1.3") -> httpx.Response:
    context = ssl.create_default_context(cafile=str(files.certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return httpx.get(server.url, verify=context, trust_env=False)


def client_files(folder: Path, authority: Authority | None, name: str = "client") -> Files:
    return make_files(folder, common_name="billing", hosts=["a.example"], authority=authority, name=name)


@pytest.mark.parametrize("mode", ["required", "optional"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_handler_learns_who_the_client_is(
    files: Files, authority: Authority, tmp_path: Path, mode: str, version: str
) -> None:
    client = client_files(tmp_path, authority)
    with serving(files, "--tls-client-certificates", mode) as server:
        found = get(server, files, client, version).json()
        again = get(server, files, client, version).json()
    assert found == again
    assert (found["name"], found["subject"], found["issuer"]) == ("billing", "CN=billing", "CN=Partners")
    assert found["names"] == ["a.example", "127.0.0.1", "::1"]
    assert found["pem"] == client.certificate.read_text()
    assert len(found["fingerprint"]) == 64


@pytest.mark.parametrize(("mode", "status"), [("required", None), ("optional", 200)])
def test_a_client_without_one(files: Files, mode: str, status: int | None) -> None:
    with serving(files, "--tls-client-certificates", mode) as server:
        if status is None:
            with pytest.raises(httpx.TransportError):
                get(server, files, None)
        else:
            assert get(server, files, None).json() == {"name": None}


@pytest.mark.parametrize("mode", ["required", "optional"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_certificate_of_another_authority_is_refused(files: Files, tmp_path: Path, mode: str, version: str) -> None:
    client = client_files(tmp_path, make_authority("Partners"))
    with serving(files, "--tls-client-certificates", mode, "--log-level", "debug") as server:
        with pytest.raises(httpx.TransportError):
            get(server, files, client, version)
        server.stop()
    assert "RW510" in server.errors


def test_an_authority_below_another_is_enough(files: Files, authority: Authority, tmp_path: Path) -> None:
    """The file with the trusted authorities needs only the authority that signed the certificate, not the root above
    it. With the root, the server would also accept clients of all other authorities below the root."""
    team, other = make_authority("Team", authority), make_authority("Other team", authority)
    (tmp_path / "partners.pem").write_text(team.pem)
    with serving(files) as server:
        assert get(server, files, client_files(tmp_path, team)).json()["issuer"] == "CN=Team"
        with pytest.raises(httpx.TransportError):
            get(server, files, make_files(tmp_path, authority=other, chain=[other], name="other"))


def test_a_chain_that_the_client_sends(files: Files, authority: Authority, tmp_path: Path) -> None:
    team = make_authority("Team", authority)
    client = make_files(tmp_path, authority=team, chain=[team], name="member")
    with serving(files) as server:
        assert get(server, files, client).json()["issuer"] == "CN=Team"


def test_a_certificate_for_servers_is_refused(files: Files, authority: Authority, tmp_path: Path) -> None:
    client = make_files(tmp_path, authority=authority, name="server", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    with serving(files) as server, pytest.raises(httpx.TransportError):
        get(server, files, client)


def test_an_expired_certificate_is_refused(files: Files, authority: Authority, tmp_path: Path) -> None:
    client = make_files(tmp_path, authority=authority, name="old", ends=NOW - timedelta(hours=1))
    with serving(files) as server, pytest.raises(httpx.TransportError):
        get(server, files, client)


def test_a_replaced_authority_is_read_again(files: Files, authority: Authority, tmp_path: Path) -> None:
    other = make_authority("Others")
    client = client_files(tmp_path, other)
    with serving(files) as server:
        with pytest.raises(httpx.TransportError):
            get(server, files, client)
        (tmp_path / "partners.pem").write_text(authority.pem + other.pem)
        while True:
            try:
                assert get(server, files, client).json()["issuer"] == "CN=Others"
                break
            except httpx.TransportError:  # the server looks at the files once a second
                continue


def test_without_a_request_for_certificates_there_is_none(files: Files, authority: Authority, tmp_path: Path) -> None:
    client = client_files(tmp_path, authority)
    with ropewalk("run", "app.py", *files.flags, cwd=tmp_path) as server:
        assert get(server, files, client).json() == {"name": None}


class TestMistakes:
    def refused(self, files: Files, *flags: str) -> str:
        with pytest.raises(AssertionError) as raised, serving(files, *flags):
            pass
        return f"{raised.value}"

    def test_a_missing_file(self, files: Files, tmp_path: Path) -> None:
        (tmp_path / "partners.pem").unlink()
        assert "RW425" in self.refused(files)

    def test_a_certificate_that_is_not_of_an_authority(self, files: Files, tmp_path: Path) -> None:
        (tmp_path / "partners.pem").write_bytes(files.certificate.read_bytes())
        assert "RW425 partners.pem has a certificate that is not of an authority: CN=localhost." in self.refused(files)

    def test_a_key(self, files: Files, tmp_path: Path) -> None:
        (tmp_path / "partners.pem").write_bytes(files.key.read_bytes())
        assert "RW425 partners.pem has a private key, but no certificate." in self.refused(files)
