"""Redirects to HTTPS behind a port mapping."""

import re
from pathlib import Path

import httpx
import pytest
from tests.certificates import make_files
from tests.cli.checking import HELLO
from tests.processes import ropewalk

from ropewalk.errors import StartError
from ropewalk.server.https_redirects import check_target_port


@pytest.mark.parametrize(("port", "authority"), [("443", "127.0.0.1"), ("9443", "127.0.0.1:9443")])
def test_the_port_is_that_of_the_mapping(tmp_path: Path, port: str, authority: str) -> None:
    files = make_files(tmp_path)
    (tmp_path / "app.py").write_text(HELLO)
    flags = (*files.flags, "--redirect-http", "0", "--redirect-target-port", port)
    with ropewalk("run", "app.py", *flags, cwd=tmp_path) as server:
        (plain,) = re.findall(r"(http://\S+) \(redirects to HTTPS\)", server.banner)
        assert httpx.get(f"{plain}/a", trust_env=False).headers["location"] == f"https://{authority}/a"


@pytest.mark.parametrize(
    ("port", "redirect_http"), [(0, "0"), (65536, "0"), ("443", "0"), (True, "0"), (443, None), (1.5, "0")]
)
def test_wrong_ports(port: object, redirect_http: str | None) -> None:
    with pytest.raises(StartError, match=r"RW426 redirect_target_port is .* Give a port from 1 to 65535"):
        check_target_port(port, redirect_http)
