"""Settings in flags, environment variables and TOML files: their precedence, and the values that are refused."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.checking import HELLO, Check, message_of, setting

from ropewalk import Limits
from ropewalk.cli import main

HELLO_WITH_DATABASE = """
from typing import Annotated
from ropewalk import App, Depends

app = App()


@app.get("/")
def hello(db: Annotated[str, Depends()]):
    return "Hello"
"""


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
        return message_of(result.output)

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
        assert self.refused(check("hello.py", "--limit", "=5")).startswith("RW423 --limit: =5 is not NAME=VALUE, ")

    def test_an_empty_host(self, check: Check, project: Path) -> None:
        """An unset variable in `--host "$HOST"` does not open the server to other machines."""
        message = "The host to listen on is empty. Name 127.0.0.1 for local clients, or 0.0.0.0 or :: for clients of"
        assert f"RW401 --host: {message}" in self.refused(check("hello.py", "--host", ""))
        (project / "ropewalk.toml").write_text("host = ''")
        output = self.refused(check("hello.py"))
        assert f"RW401 host in {project}/ropewalk.toml: {message}" in output

    def test_an_endpoint_that_is_none(self, check: Check) -> None:
        output = self.refused(check("hello.py", "--listen", "tcp:many"))
        assert (
            "RW401 --listen: 'tcp:many' is malformed: the port must be a number from 0 to 65535, not 'many'." in output
        )
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
                "RW402 --proxy-protocol needs a trusted proxy, and there is none. Give the proxy's address wit",
            ),
            (
                ["--proxy-host"],
                "RW402 --proxy-host needs a trusted proxy, and there is none. Give the proxy's address with ",
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
            ("--tls", "'--tls'. For HTTPS, use --tls-certificate and --tls-key, or --tls-self-signed"),
            ("--certfile", "'--certfile'. For HTTPS, use --tls-certificate and --tls-key"),
            ("--bind", "'--bind'. Use --host and --port, or --listen"),
            ("--uds", "'--uds'. Use --listen unix:/run/app.sock."),
            ("--acces-log", "'--acces-log'. Did you mean --access-log?"),
            ("--no-proxy-hots", "'--no-proxy-hots'. Did you mean --no-proxy-host?"),
            ("--reload", "'--reload'. `ropewalk dev` starts again when files change, without a flag."),
            ("--workers", "'--workers'. A server is one process. Start several on one port, each with --listen tcp:"),
            ("--x", "'--x'.\n"),
        ],
    )
    def test_what_a_flag_was_meant_to_be(self, check: Check, flag: str, message: str) -> None:
        assert f"No such option {message}" in self.refused(check("hello.py", flag))


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
