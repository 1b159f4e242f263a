"""An error names the place where the value was set: the flag, the variable or the file."""

import re
import socket
from pathlib import Path

import pytest
from click.testing import Result
from tests.cli.checking import HELLO, Check, finished, message_of, setting

from ropewalk.cli import main

WRONG = [
    ("target", 5, "nowhere.py"),
    ("host", 5, None),
    ("port", "x", "x"),
    ("port", "8000", "70000"),
    ("port", True, "70000"),
    ("port", 80.5, "80.5"),
    ("port", [80], "-1"),
    ("listen", 8080, "8080"),
    ("listen", [8080], "tcp:80:interfce=1"),
    ("listen", "unix", "unix"),
    ("watchdog", "0.1", "nan"),
    ("watchdog", True, "soon"),
    ("watchdog", -1, "61"),
    ("trusted_proxy", 1, "localhost"),
    ("trusted_proxy", ["localhost"], "1.2.3.4/99"),
    ("half_close", "yes", "maybe"),
    ("compress", "yes", "maybe"),
    ("proxy_headers", "x", "x"),
    ("proxy_host", "yes", "maybe"),
    ("proxy_protocol", 1, "maybe"),
    ("access_log", "xml", "xml"),
    ("access_log", False, "0"),
    ("access_log_file", 1, "/"),
    ("tls_certificate", 5, None),
    ("tls_key", 5, None),
    ("tls_minimum_version", "1.0", "1.1"),
    ("tls_self_signed", 1, "maybe"),
    ("tls_local_authority", 1, "maybe"),
    ("tls_client_ca", 5, None),
    ("tls_client_certificates", "no", "no"),
    ("redirect_http", 80, None),
    ("redirect_target_port", 0, "0"),
    ("log_level", "loud", "loud"),
    ("log_format", "xml", "xml"),
    ("log_redact", 5, None),
    ("access_log_template", "{path", "path"),
    ("access_log_fields", "a-b", "path,path"),
    ("wsgi", "yes", "maybe"),
    ("asgi", 1, "maybe"),
    ("wsgi_threads", 0, "0"),
    ("wsgi_threads", "x", "x"),
]
"""Settings with an invalid value: as TOML, and as an environment variable."""


class TestSources:
    """An error names the place where the value was set: the flag, the variable or the file."""

    def refused(self, result: Result) -> str:
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        return message_of(result.output)

    @pytest.mark.parametrize(("name", "value"), [(name, value) for name, value, _ in WRONG if name != "target"])
    def test_toml(self, check: Check, project: Path, name: str, value: object) -> None:
        text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value).replace("'", '"')
        lines = f"{name} = {text}\n"
        if name == "trusted_proxy":
            lines += "proxy_protocol = true\n"
        (project / "ropewalk.toml").write_text(lines)
        output = self.refused(check("hello.py"))
        assert f"{name} in {project}/ropewalk.toml" in output
        assert re.match("RW4[0-9][0-9] ", output.splitlines()[-1])
        assert "Usage" not in output
        assert f"--{name.replace('_', '-')}" not in output

    @pytest.mark.parametrize(
        ("file", "lines", "hint"),
        [
            ("ropewalk.toml", "head_timeout = 5", "head_timeout is a limit: write it under [limits]."),
            (
                "pyproject.toml",
                "[tool.ropewalk]\nhead-timeout = 5",
                "head_timeout is a limit: write it under [tool.ropewalk.limits].",
            ),
            (
                "ropewalk.toml",
                "[tool.ropewalk]\nport = 1",
                "there is no table [tool]: [tool.ropewalk] is for pyproject",
            ),
            ("pyproject.toml", "tool = 3", "tool must be a table: write [tool.ropewalk], and each setting on its own"),
            ("pyproject.toml", "[tool]\nropewalk = 3", "ropewalk must be a table: write [tool.ropewalk], and each"),
            ("ropewalk.toml", "[ropewalk]\nport = 1", "there is no table [ropewalk]: [tool.ropewalk] is for pyproject"),
        ],
    )
    def test_a_table_that_was_mistaken(self, check: Check, project: Path, file: str, lines: str, hint: str) -> None:
        (project / file).write_text(lines)
        assert self.refused(check("hello.py")).startswith(f"RW422 {project}/{file}: {hint}")

    def test_a_flag_that_is_neither_yes_nor_no(self, check: Check) -> None:
        output = self.refused(check("hello.py", environment={"ROPEWALK_HALF_CLOSE": "maybe"}))
        assert "ROPEWALK_HALF_CLOSE: 'maybe' is not a boolean: use 1, true, yes or on; or 0, false, no or" in output

    def test_a_file_that_is_not_there(self, check: Check, project: Path) -> None:
        output = self.refused(check("nope.py"))
        remedy = f"Check its name, or start in its folder. The working directory is {project}."
        assert output == f"RW411 There is no file nope.py. {remedy}\n"
        output = self.refused(check("no/nope.py"))
        assert output.endswith(f"The folder no does not exist either. The working directory is {project}.\n")

    def test_a_target_in_toml(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("target = 5")
        assert f"RW422 target in {project}/ropewalk.toml: 5 is not a string." in self.refused(check())

    @pytest.mark.parametrize(
        ("name", "value"), [(name, value) for name, _, value in WRONG if value is not None and name != "target"]
    )
    def test_the_environment(self, check: Check, name: str, value: str) -> None:
        environment = {f"ROPEWALK_{name.upper()}": value}
        if name == "trusted_proxy":
            environment["ROPEWALK_PROXY_PROTOCOL"] = "1"
        output = self.refused(check("hello.py", environment=environment))
        assert f"ROPEWALK_{name.upper()}: " in output
        assert f"--{name.replace('_', '-')}" not in output

    @pytest.mark.parametrize(("name", "value"), [("port", "x"), ("log-level", "loud"), ("wsgi-threads", "0")])
    def test_flags(self, check: Check, name: str, value: str) -> None:
        output = self.refused(check("hello.py", f"--{name}", value))
        assert f"Invalid value for '--{name}': " in output
        assert "ROPEWALK_" not in output

    def test_every_setting_is_in_the_table_above(self) -> None:
        checks = main.commands["check"]
        settings = {each.name for each in checks.params if each.envvar} - {"config", "limits"}
        listed = {name for name, *_ in WRONG}
        assert settings - listed == set(), "add rows to WRONG above: name, wrong value in TOML, wrong string"
        assert listed - settings == set(), "remove these rows from WRONG above: `ropewalk check` has no such setting"

    @pytest.mark.parametrize(
        "line",
        [
            'head_timeout = "soon"',
            'body_size = "8000"',
            "body_size = 1.5",
            "head_timeout = true",
            "head_timeot = 5",
            "body_rate = -1",
        ],
    )
    def test_limits_in_toml(self, check: Check, project: Path, line: str) -> None:
        (project / "ropewalk.toml").write_text(f"[limits]\n{line}")
        assert self.refused(check("hello.py")).startswith(f"RW423 [limits] in {project}/ropewalk.toml: ")

    @pytest.mark.parametrize("limit", ["head_timeout=soon", "head_timeout", "head_timeot=5", "body_rate=-1"])
    def test_limits_in_the_environment(self, check: Check, limit: str) -> None:
        output = self.refused(check("hello.py", environment={"ROPEWALK_LIMIT": limit}))
        assert output.startswith("RW423 ROPEWALK_LIMIT: ")

    def test_a_remedy_stays_in_the_place_where_the_mistake_is(self, check: Check, project: Path) -> None:
        output = self.refused(check("hello.py", environment={"ROPEWALK_PROXY_PROTOCOL": "1"}))
        remedy = "Give the proxy's address with ROPEWALK_TRUSTED_PROXY."
        assert f"ROPEWALK_PROXY_PROTOCOL needs a trusted proxy, and there is none. {remedy}" in output
        (project / "ropewalk.toml").write_text("wsgi_threads = 5")
        toml = f"{project}/ropewalk.toml"
        output = " ".join(self.refused(check("hello.py")).split())
        assert f"wsgi_threads in {toml} is for WSGI applications. Leave it out, or set wsgi in {toml} too." in output

    def test_a_target_that_is_not_there(self, check: Check, project: Path) -> None:
        output = self.refused(check(environment={"ROPEWALK_TARGET": "helo.py"}))
        assert output == "RW411 ROPEWALK_TARGET: There is no file helo.py. Did you mean hello.py?\n"
        (project / "ropewalk.toml").write_text('target = "helo.py"')
        assert self.refused(check()).startswith(f"RW411 target in {project}/ropewalk.toml: There is no file helo.py.")
        assert self.refused(check("helo.py")).startswith("RW411 There is no file helo.py.")

    def test_a_settings_file_that_is_not_there(self, check: Check) -> None:
        output = self.refused(check("hello.py", environment={"ROPEWALK_CONFIG": "none.toml"}))
        assert output.startswith("RW421 ROPEWALK_CONFIG: none.toml cannot be read")

    def test_one_endpoint_in_toml_may_be_a_string(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text('listen = "tcp:8001"')
        assert setting(check("hello.py"), "listen")[0] == "tcp:8001"

    def test_an_access_log_that_cannot_be_opened(self, project: Path) -> None:
        (project / "hello.py").write_text(HELLO)
        (project / "ropewalk.toml").write_text('access_log_file = "no/such/folder/log"\nport = 0')
        ended = finished("run", "hello.py", cwd=project)
        assert ended.returncode == 2
        assert f"RW424 access_log_file in {project}/ropewalk.toml: no/such/folder/log cannot be opened" in ended.stderr

    def test_a_port_in_use(self, project: Path) -> None:
        (project / "hello.py").write_text(HELLO)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            (project / "ropewalk.toml").write_text(f"port = {taken.getsockname()[1]}")
            ended = finished("run", "hello.py", cwd=project)
        assert ended.returncode == 2
        assert f"RW502 port in {project}/ropewalk.toml: " in ended.stderr
