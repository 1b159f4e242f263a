"""curl, the program."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.clients.conftest import LARGE

curl_program = shutil.which("curl")

pytestmark = pytest.mark.skipif(curl_program is None, reason="there is no curl here")


def curl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """Run curl and return its output."""
    assert curl_program is not None
    command = [curl_program, "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", *map(str, arguments)]
    return subprocess.run(command, input=given, check=True, capture_output=True).stdout


def test_get(url: str) -> None:
    assert curl(f"{url}/") == b"Hello, World!"


def test_head(url: str) -> None:
    assert b"\r\nContent-Length: 13\r\n" in curl("--head", f"{url}/")


def test_http_1_0(url: str) -> None:
    assert curl("--http1.0", f"{url}/parts") == b"one two"


def test_one_connection_for_many_requests(url: str) -> None:
    printed = curl("--write-out", "%{num_connects}\n", f"{url}/nothing", f"{url}/nothing", f"{url}/nothing")
    assert printed.split() == [b"1", b"0", b"0"]


def test_download(url: str, tmp_path: Path) -> None:
    curl("--output", tmp_path / "large", f"{url}/large")
    assert (tmp_path / "large").read_bytes() == LARGE


def test_upload_that_waits_for_100_continue(url: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    upload = ("--request", "POST", "--header", "Expect: 100-continue", "--data-binary", f"@{tmp_path / 'large'}")
    assert curl(*upload, f"{url}/stream") == LARGE


def test_upload_in_chunks(url: str) -> None:
    upload = ("--request", "POST", "--header", "Transfer-Encoding: chunked", "--data-binary", "@-")
    assert curl(*upload, f"{url}/stream", given=LARGE) == LARGE


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(url: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    upload = ("--header", "Expect: 100-continue", "--data-binary", f"@{tmp_path / 'large'}")
    report = ("--output", tmp_path / "answer", "--write-out", "%{http_code} %{size_upload}")
    assert curl(*upload, *report, f"{url}/echo") == b"413 0"


def test_early_hints(url: str) -> None:
    assert b"HTTP/1.1 103 Early Hints\r\n" in curl("--include", f"{url}/early")
