"""The reports of `ropewalk check`: cautions, settings without effect, and errors that would prevent a start."""

import re
import socket
from pathlib import Path

import pytest
from tests.cli.checking import HELLO, Check, finished, message_of

from ropewalk import Limits
from ropewalk.server.security_warnings import OFF_AT_0


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
    """`ropewalk check` tries parts of a start, and reports the errors that would prevent it."""

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

    def test_a_unix_socket_in_use(self, check: Check, project: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("a.sock")
            server.listen()
            result = check("hello.py", "--listen", "unix:a.sock")
            assert result.exit_code == 0
            assert "unix:a.sock is in use now. A start will fail until it is free." in result.output
        result = check("hello.py", "--listen", "unix:a.sock")  # the file of a server that has ended is replaced
        assert result.exit_code == 0
        assert "in use" not in result.output

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
        assert (result.exit_code, message_of(result.output)) == (2, f"RW423 --limit: {message}\n")
        assert check("hello.py", "--limit", f"{name}={least}").exit_code == 0
        app = HELLO.replace("App()", f"App(limits=Limits({name}={least - 1}))").replace(
            "import App", "import App, Limits"
        )
        (project / "hello.py").write_text(app)
        assert f"RW423 the app: {message}" in check("hello.py").output
