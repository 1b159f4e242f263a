"""Clients that prove a password with Digest authentication."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
from requests.auth import HTTPDigestAuth
from tests.processes import ropewalk

SERVICE = str(Path(__file__).with_name("digest_service.py"))


@pytest.fixture(scope="module", params=["SHA-256", "MD5", "SHA-256 MD5", "SHA-512-256 SHA-256 MD5"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALGORITHMS", request.param)
        with ropewalk("run", SERVICE, "--access-log", "off") as server:
            yield server.url


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("user", ["ada", "zoë"])
def test_curl(url: str, user: str) -> None:
    def curl(*arguments: str) -> str:
        command = ["curl", "--silent", "--max-time", "20", "--noproxy", "*", "--digest", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    addresses = [f"{url}/a?b=1&c=%2F", f"{url}/d"]
    assert curl("--user", f"{user}:s3cret", *addresses) == f"{user} " * 2
    assert curl("--user", f"{user}:s3cret", "--data", "x=1", url + "/") == f"{user} x=1"
    assert curl("--user", f"{user}:wrong", "--output", "/dev/null", "--write-out", "%{http_code}", url + "/") == "401"


def test_httpx(url: str) -> None:
    with httpx.Client(auth=httpx.DigestAuth("ada", "s3cret"), timeout=20, trust_env=False) as client:
        assert [client.get(f"{url}/a?b=1").text for _ in range(3)] == ["ada "] * 3
        assert client.post(f"{url}/", content="x").text == "ada x"
        assert client.get(f"{url}/", auth=httpx.DigestAuth("ada", "wrong")).status_code == 401


def test_requests(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = HTTPDigestAuth("ada", "s3cret")
        assert [session.get(f"{url}/a?b=1", timeout=20).text for _ in range(3)] == ["ada "] * 3
        assert session.post(f"{url}/", data="x", timeout=20).text == "ada x"
