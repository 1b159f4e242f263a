"""Settings in flags, environment variables and TOML files: their precedence, and the values that are refused."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ropewalk import Limits
from ropewalk.cli import main
from ropewalk.server.security_warnings import OFF_AT_0

Check = Callable[..., Result]


def finished(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    command = [sys.executable, "-m", "ropewalk", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


HELLO = """
from ropewalk import App

app = App()


@app.get("/")
def hello(request):
    return "Hello"
"""


HELLO_WITH_DATABASE = """
from typing import Annotated
from ropewalk import App, Depends

app = App()


@app.get("/")
def hello(db: Annotated[str, Depends()]):
    return "Hello"
"""


@pytest.fixture
def check(project: Path) -> Check:
    """`ropewalk check` in a folder where there is a hello.py."""
    (project / "hello.py").write_text(HELLO)

    def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, ["check", *arguments], env={"COLUMNS": "200"} | (environment or {}))

    return run


def setting(result: Result, name: str) -> tuple[str, str]:
    """The value and the origin that `check` printed for a setting."""
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith(f"{name} "))
    _, value, *origin = line.split()
    return value, " ".join(origin)


class TestDependencies:
    def test_one_that_nothing_provides_cannot_be_served(self, check: Check, project: Path) -> None:
        (project / "hello.py").write_text(HELLO_WITH_DATABASE)
        result = check("hello.py")
        assert result.exit_code == 2
        assert "RW216 Nothing provides 'db', which hello at hello.py:" in result.output


class TestPrecedence:
    def test_a_default_stands_where_nothing_is_said(self, check: Check) -> None:
        assert setting(check("hello.py"), "port") == ("8080", "default")

    def test_toml_wins_over_the_default(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("port = 8001")
        value, origin = setting(check("hello.py"), "port")
        assert value == "8001"
        assert origin.endswith("ropewalk.toml")

    def test_the_environment_wins_over_toml(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("port = 8001")
        result = check("hello.py", environment={"ROPEWALK_PORT": "8002"})
        assert setting(result, "port") == ("8002", "environment")

    def test_a_flag_wins_over_the_environment(self, check: Check) -> None:
        result = check("hello.py", "--port", "8003", environment={"ROPEWALK_PORT": "8002"})
        assert setting(result, "port") == ("8003", "flag")

    def test_the_target(self, check: Check) -> None:
        assert setting(check("hello.py"), "target") == ("hello.py:app", "flag")
        assert setting(check(environment={"ROPEWALK_TARGET": "hello.py"}), "target") == ("hello.py:app", "environment")

    def test_limits_from_the_environment_alone(self, check: Check) -> None:
        result = check("hello.py", environment={"ROPEWALK_LIMIT": "body_size=4194304"})
        assert setting(result, "limits.body_size") == ("4194304", "environment")

    def test_a_limit_that_is_set_to_its_default_is_shown(self, check: Check) -> None:
        value = Limits().drain_timeout
        assert setting(check("hello.py", "--limit", f"drain_timeout={value}"), "limits.drain_timeout")[1] == "flag"

    def test_limits_are_merged_one_by_one(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("[limits]\nhead_timeout = 1\nbody_timeout = 1\nidle_timeout = 1")
        result = check(
            "hello.py",
            "--limit",
            "head_timeout=3",
            environment={"ROPEWALK_LIMIT": "head_timeout=2 body_timeout=2"},
        )
        assert setting(result, "limits.head_timeout") == ("3", "flag")
        assert setting(result, "limits.body_timeout") == ("2", "environment")
        value, origin = setting(result, "limits.idle_timeout")
        assert value == "1"
        assert origin.endswith("ropewalk.toml")

    def test_limits_stand_over_those_of_the_app(self, check: Check, project: Path) -> None:
        app = HELLO.replace("App()", "App(limits=Limits(head_timeout=1, idle_timeout=1))")
        (project / "hello.py").write_text(app.replace("import App", "import App, Limits"))
        result = check("hello.py", "--limit", "head_timeout=2")
        assert setting(result, "limits.head_timeout") == ("2", "flag")
        assert setting(result, "limits.idle_timeout") == ("1", "app")


class TestProxies:
    def test_no_proxy_is_trusted_by_default(self, check: Check) -> None:
        assert "proxy" not in check("hello.py").output

    def test_flags(self, check: Check) -> None:
        given = ("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "unix", "--proxy-headers", "forwarded")
        result = check("hello.py", *given)
        assert re.search(r"^trusted_proxy +10\.0\.0\.0/8 unix +flag$", result.output, re.MULTILINE)
        assert setting(result, "proxy_headers") == ("forwarded", "flag")
        assert setting(result, "proxy_protocol") == ("false", "default")

    def test_environment(self, check: Check) -> None:
        result = check("hello.py", environment={"ROPEWALK_TRUSTED_PROXY": "::1 unix", "ROPEWALK_PROXY_PROTOCOL": "1"})
        assert re.search(r"^trusted_proxy +::1 unix +environment$", result.output, re.MULTILINE)
        assert setting(result, "proxy_protocol") == ("true", "environment")

    def test_toml(self, check: Check, project: Path) -> None:
        lines = 'trusted_proxy = ["::1"]\nproxy_headers = "x-forwarded"\nproxy_host = true'
        (project / "ropewalk.toml").write_text(lines)
        assert setting(check("hello.py"), "trusted_proxy")[0] == "::1"
        assert setting(check("hello.py"), "proxy_headers")[0] == "x-forwarded"
        assert setting(check("hello.py"), "proxy_host")[0] == "true"
        assert setting(check("hello.py", "--no-proxy-host"), "proxy_host") == ("false", "flag")

    def test_the_forwarded_host_is_a_matter_of_its_own(self, check: Check) -> None:
        given = ("--trusted-proxy", "::1", "--proxy-headers", "x-forwarded")
        assert setting(check("hello.py", *given), "proxy_host") == ("false", "default")
        assert setting(check("hello.py", *given, "--proxy-host"), "proxy_host") == ("true", "flag")
        asked = check("hello.py", *given, environment={"ROPEWALK_PROXY_HOST": "1"})
        assert setting(asked, "proxy_host") == ("true", "environment")

    def test_those_of_the_app_stand_where_no_flag_does(self, check: Check, project: Path) -> None:
        app = HELLO.replace("App()", 'App(proxies=TrustedProxies("::1", headers="forwarded"))')
        (project / "hello.py").write_text(app.replace("import App", "import App, TrustedProxies"))
        assert setting(check("hello.py"), "proxy_headers") == ("forwarded", "app")
        result = check("hello.py", "--trusted-proxy", "127.0.0.1", "--proxy-protocol")
        assert setting(result, "trusted_proxy") == ("127.0.0.1", "flag")
        assert setting(result, "proxy_headers") == ("-", "default")


class TestCautions:
    def test_the_defaults_need_none(self, check: Check) -> None:
        output = check("hello.py").output
        assert "is off" not in output
        assert "Everybody" not in output

    @pytest.mark.parametrize(
        "name",
        [
            *("head_timeout", "idle_timeout", "body_timeout", "body_rate", "write_timeout"),
            *("linger_timeout", "linger_total_time"),
        ],
    )
    def test_limits_that_0_switches_off(self, check: Check, name: str) -> None:
        lines = check("hello.py", "--limit", f"{name}=0").output.splitlines()
        assert lines.count(f"{name} is off, because it is 0: it cuts off no client.") == 1

    @pytest.mark.parametrize("name", sorted({*Limits.names} - {*OFF_AT_0}))
    def test_limits_for_which_0_is_an_amount_or_the_default(self, check: Check, name: str) -> None:
        assert "is off" not in check("hello.py", "--limit", f"{name}=0").output

    @pytest.mark.parametrize("address", ["0.0.0.0/0", "::/0"])
    def test_trust_in_everybody(self, check: Check, address: str) -> None:
        given = ("--trusted-proxy", "10.0.0.1", "--trusted-proxy", address, "--proxy-headers", "forwarded")
        lines = check("hello.py", *given).output.splitlines()
        assert f"Every address is trusted as a proxy ({address}): clients can forge their address." in lines

    @pytest.mark.parametrize("servable", ["app", "site", "root"])
    def test_tracebacks_for_clients(self, check: Check, project: Path, servable: str) -> None:
        line = "The app has debug=True: clients see the traceback of every error, with paths and code."
        (project / "hello.py").write_text(
            "from ropewalk import App, Site\napp = App(debug=True)\nsite = Site(app)\nroot = app.resource\n"
        )
        assert (line in check(f"hello.py:{servable}").output.splitlines()) == (servable != "root")
        assert line not in check("hello.py:root").output

    def test_those_of_the_app_count(self, check: Check, project: Path) -> None:
        (project / "hello.py").write_text(
            "from ropewalk import App, Limits, TrustedProxies\n"
            "app = App(limits=Limits(head_timeout=0), proxies=TrustedProxies('::/0', headers='forwarded'))"
        )
        output = check("hello.py").output
        assert "head_timeout is off" in output
        assert "Every address is trusted as a proxy (::/0)" in output


class TestWithoutEffect:
    def test_a_port_beside_listen(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text('port = 8001\nlisten = ["tcp:0"]')
        toml = f"{project}/ropewalk.toml"
        result = check("hello.py")
        assert f"port in {toml} is ignored, because listen in {toml} is set." in result.output.splitlines()
        assert not re.search(r"^(host|port) +\S+ +\S+$", result.output, re.MULTILINE)

    def test_listen_of_a_stronger_source(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("port = 8001")
        assert "ignored" not in check("hello.py", "--listen", "tcp:0").output

    def test_variables_that_are_none(self, check: Check) -> None:
        lines = check("hello.py", environment={"ROPEWALK_PROT": "8080", "ROPEWALK_LIMIT": "body_size=5"}).output
        assert "ROPEWALK_PROT is not a setting of Ropewalk, and is ignored. Did you mean ROPEWALK_PORT?\n" in lines
        assert lines.count("is ignored") == 1

    def test_a_start_says_so_too(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROPEWALK_PROT", "8080")
        (project / "hello.py").write_text(
            HELLO + "@app.on_start\ndef start():\n    from twisted.internet import reactor\n"
            "    reactor.callLater(0, reactor.callLater, 0, reactor.stop)\n"
        )
        ended = finished("run", "hello.py", "--port", "0", cwd=project)
        assert ended.stderr.count("ROPEWALK_PROT is not a setting of Ropewalk") == 1


class TestTrials:
    """`ropewalk check` reports what would make a start fail."""

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (
                ["--listen", "unix:/nonexistent/a.sock"],
                "RW502 unix:/nonexistent/a.sock cannot be listened on: No such file or directory. Create the directory",
            ),
            (["--listen", f"unix:/tmp/{'a' * 108}"], "cannot be listened on: File name too long."),
            (["--listen", "unix:hello.py"], "RW502 unix:hello.py cannot be listened on: File exists."),
            (["--listen", "unix:hello.py/a"], "RW502 unix:hello.py/a cannot be listened on: Not a directory."),
            (["--host", "192.0.2.1"], "cannot be listened on: Cannot assign requested address. Use an address of"),
            (["--access-log-file", "/nonexistent/x.log"], "RW424 /nonexistent/x.log cannot be opened: No such file"),
        ],
    )
    def test_it_is_refused(self, check: Check, flags: list[str], message: str) -> None:
        result = check("hello.py", *flags)
        assert result.exit_code == 2, result.output
        assert message in result.output

    def test_a_host_that_is_not_known(self, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        result = check("hello.py", environment={"ROPEWALK_HOST": "localhos"})
        assert result.exit_code == 2
        assert (
            "RW502 ROPEWALK_HOST: tcp:8080:interface=localhos cannot be listened on: Name or service" in result.output
        )
        assert "Check the name localhos" in result.output

    def test_a_port_in_use_may_be_that_of_the_server_before(self, check: Check) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = check("hello.py", "--port", f"{port}")
        assert result.exit_code == 0
        assert "is in use now. A start will fail until it is free." in result.output

    def test_nothing_is_made(self, check: Check, project: Path) -> None:
        given = ("--listen", "unix:a.sock", "--access-log-file", "access.log")
        assert check("hello.py", *given).exit_code == 0
        assert sorted(each.name for each in project.iterdir() if each.suffix in (".sock", ".log")) == []

    def test_an_access_log_that_is_off_is_not_tried(self, check: Check) -> None:
        assert check("hello.py", "--access-log", "off", "--access-log-file", "/nonexistent/x.log").exit_code == 0

    @pytest.mark.parametrize(("name", "least"), [("request_line", 16), ("head_size", 27), ("head_fields", 1)])
    def test_limits_that_refuse_every_request(self, check: Check, project: Path, name: str, least: int) -> None:
        message = f"the limit {name} must be at least {least}; {least - 1} would reject every request."
        result = check("hello.py", "--limit", f"{name}={least - 1}")
        assert (result.exit_code, result.output) == (2, f"RW423 --limit: {message}\n")
        assert check("hello.py", "--limit", f"{name}={least}").exit_code == 0
        app = HELLO.replace("App()", f"App(limits=Limits({name}={least - 1}))").replace(
            "import App", "import App, Limits"
        )
        (project / "hello.py").write_text(app)
        assert f"RW423 the app: {message}" in check("hello.py").output


class TestFiles:
    def test_the_target_may_stand_in_toml(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text('target = "hello.py"')
        result = check()
        assert "hello.py:app can be served" in result.output

    def test_pyproject_has_a_table_for_us(self, check: Check, project: Path) -> None:
        (project / "pyproject.toml").write_text("[tool.ropewalk]\nport = 8004")
        assert setting(check("hello.py"), "port")[0] == "8004"

    def test_dashes_are_as_good_as_underscores(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text('access-log = "json"')
        assert setting(check("hello.py"), "access_log")[0] == "json"

    def test_config_names_another_file(self, check: Check, project: Path) -> None:
        (project / "other.toml").write_text("port = 8005")
        assert setting(check("hello.py", "--config", "other.toml"), "port")[0] == "8005"

    def test_several_endpoints(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text('listen = ["tcp:8001", "tcp:8002"]')
        result = check("hello.py")
        assert "tcp:8001" in result.output
        assert "tcp:8002" in result.output


class TestRefusals:
    def refused(self, result: Result) -> str:
        assert result.exit_code == 2
        return result.output

    def test_an_unknown_key(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("prot = 8001")
        output = self.refused(check("hello.py"))
        assert output.startswith("RW422 ")
        assert output.endswith("there is no setting prot. Did you mean port?\n")

    def test_a_file_that_is_not_toml(self, check: Check, project: Path) -> None:
        (project / "ropewalk.toml").write_text("port: 8001")
        assert self.refused(check("hello.py")).startswith("RW421 ")

    def test_a_file_that_is_not_there(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--config", "none.toml"))
        assert output == "RW421 none.toml cannot be read: No such file or directory.\n"

    def test_an_unknown_limit(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--limit", "head_timeot=5"))
        assert output == "RW423 --limit: there is no limit head_timeot. Did you mean head_timeout?\n"

    def test_a_limit_that_is_no_number(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--limit", "head_timeout=soon"))
        assert output == "RW423 --limit: the limit head_timeout must be a number, not 'soon'.\n"

    @pytest.mark.parametrize(
        ("limit", "kind"),
        [
            ("body_size=-1", "-1: it is a whole number"),
            ("body_size=1.5", "1.5: it is a whole number"),
            ("head_timeout=-1", "-1: it is a number of seconds"),
            ("head_timeout=inf", "inf: it is a number of seconds"),
        ],
    )
    def test_a_limit_that_is_out_of_range(self, check: Check, limit: str, kind: str) -> None:
        output = self.refused(check("hello.py", "--limit", limit))
        assert output == f"RW423 --limit: the limit {limit.partition('=')[0]} cannot be {kind}, 0 or more.\n"

    def test_a_limit_without_a_value(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--limit", "head_timeout"))
        assert output == "RW423 --limit: head_timeout is not NAME=VALUE, such as head_timeout=5.\n"

    def test_an_endpoint_that_is_none(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--listen", "tcp:many"))
        assert "RW401 --listen: 'tcp:many' is malformed: the port is a number from 0 to 65535, not 'many'." in output
        assert "RW401 --listen: 'ssl:443' is not an endpoint" in self.refused(check("hello.py", "--listen", "ssl:443"))

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (
                ["--trusted-proxy", "localhost", "--proxy-protocol"],
                "RW402 --trusted-proxy: 'localhost' is not the address of a proxy: ",
            ),
            (
                ["--trusted-proxy", "::1"],
                "RW402 It is not set how the proxies of --trusted-proxy report clients. Set --proxy-headers or",
            ),
            (
                ["--proxy-protocol"],
                "RW402 --proxy-protocol needs a trusted proxy, and there is none. Give its address with --tr",
            ),
            (
                ["--proxy-host"],
                "RW402 --proxy-host needs a trusted proxy, and there is none. Give its address with --trusted-",
            ),
            (
                ["--trusted-proxy", "::1", "--proxy-headers", "forwarded", "--proxy-host"],
                (
                    "RW402 --proxy-host trusts X-Forwarded-Host, but the other X-Forwarded headers are not trusted. "
                    "Leave out"
                ),
            ),
        ],
    )
    def test_proxies_that_make_no_sense(self, check: Check, flags: list[str], message: str) -> None:
        assert self.refused(check("hello.py", *flags)).startswith(message)

    def test_no_target(self, check: Check) -> None:
        output = self.refused(check())
        assert "Missing argument 'TARGET'" in output
        assert 'in ROPEWALK_TARGET, or in ropewalk.toml: target = "hello.py"' in output

    def test_a_target_without_a_command(self, check: Check, project: Path) -> None:
        (project / "public").mkdir()
        for given, meant in (
            ("hello.py", " Did you mean ropewalk run hello.py?"),
            ("hello:app", " Did you mean ropewalk run hello:app?"),
            ("public", " Did you mean ropewalk static public?"),
            ("chekc", " Did you mean check?"),
            ("other", ""),
        ):
            result = CliRunner().invoke(main, [given])
            assert f"No such command {given!r}.{meant}\n" in self.refused(result)

    def test_a_port_that_is_none(self, check: Check) -> None:
        assert "70000 is not in the range" in self.refused(check("hello.py", "--port", "70000"))

    def test_a_flag_that_is_none(self, check: Check) -> None:
        assert "--port" in self.refused(check("hello.py", "--prot", "1"))

    @pytest.mark.parametrize(
        ("flag", "message"),
        [
            ("--tls", "'--tls'. The command line serves plain HTTP. For TLS, put a proxy in front"),
            ("--certfile", "'--certfile'. The command line serves plain HTTP."),
            ("--bind", "'--bind'. Use --host and --port, or --listen"),
            ("--uds", "'--uds'. Use --listen unix:/run/app.sock."),
            ("--acces-log", "'--acces-log'. Did you mean --access-log?"),
            ("--no-proxy-hots", "'--no-proxy-hots'. Did you mean --no-proxy-host?"),
            ("--reload", "'--reload'. Ropewalk does not restart when files change."),
            ("--workers", "'--workers'. A server is one process. Start several on one port, each with --listen tcp:"),
            ("--x", "'--x'.\n"),
        ],
    )
    def test_what_a_flag_was_meant_to_be(self, check: Check, flag: str, message: str) -> None:
        assert f"No such option {message}" in self.refused(check("hello.py", flag))


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
    ("trusted_proxy", 1, "localhost"),
    ("trusted_proxy", ["localhost"], "1.2.3.4/99"),
    ("half_close", "yes", "maybe"),
    ("proxy_headers", "x", "x"),
    ("proxy_host", "yes", "maybe"),
    ("proxy_protocol", 1, "maybe"),
    ("access_log", "xml", "xml"),
    ("access_log", False, "0"),
    ("access_log_file", 1, "/"),
    ("log_level", "loud", "loud"),
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
        return result.output

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
        remedy = "Give its address with ROPEWALK_TRUSTED_PROXY."
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


def test_the_table_of_the_guide_has_every_setting() -> None:
    page = "docs/how-to/settings.md"
    rows = [
        line.split("|")
        for line in Path(page).read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "`ROPEWALK_" in line
    ]
    written = {variable for row in rows for variable in re.findall(r"`(ROPEWALK_[A-Z_]+)=", row[2])}
    parameters = [each for command in main.commands.values() for each in command.params if each.envvar]
    for each in parameters:
        flags = [f"`{option}" for option in each.opts]
        toml = f"`{each.name} = "
        expected = f"| {flags[0]} ...` | `{each.envvar}=...` | {toml}...` |"
        found = [row for row in rows if f"`{each.envvar}=" in row[2]]
        assert len(found) == 1, f"{page} needs one row {expected}, and has {len(found)}"
        ((_, flag, _, in_toml, _),) = found
        if each.param_type_name != "argument":
            assert any(option in flag for option in flags), f"the row of {each.envvar} in {page} is to name {flags[0]}`"
        if each.name not in ("config", "limits"):
            assert toml in in_toml, f"the row of {each.envvar} in {page} is to have {toml}...`"
    extra = written - {each.envvar for each in parameters}
    assert extra == set(), f"remove these rows from the table of {page}: no setting has them"
