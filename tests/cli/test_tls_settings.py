"""`ropewalk check` with settings for HTTPS, and the errors for settings that contradict each other."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from tests.certificates import NOW, Files, make_files
from tests.cli.checking import Check, message_of, setting


@pytest.fixture
def files(project: Path) -> Files:
    return make_files(project)


def refused(result: Result) -> str:
    assert (result.exit_code, "Traceback" in result.output) == (2, False), result.output
    return message_of(result.output).splitlines()[-1]


def test_the_settings(check: Check, files: Files) -> None:
    result = check("hello.py", *files.flags, "--port", "0", "--redirect-http", "0")
    assert setting(result, "tls_certificate") == (f"{files.certificate}", "flag")
    assert setting(result, "tls_minimum_version") == ("1.2", "default")
    assert setting(result, "redirect_http") == ("0", "flag")


def test_plain_http_shows_none_of_them(check: Check) -> None:
    assert "tls" not in check("hello.py").output


def test_what_to_be_careful_of(check: Check, project: Path) -> None:
    files = make_files(project, ends=NOW - timedelta(hours=1))
    files.key.chmod(0o644)
    output = check("hello.py", *files.flags, "--port", "0", "--half-close").output
    assert f"The TLS certificate {files.certificate} expired on " in output
    assert f"Every user of this machine can read the TLS key {files.key}: run `chmod 600 {files.key}`." in output
    assert "--half-close has no effect over TLS." in output


def test_a_file_that_is_missing(check: Check, files: Files) -> None:
    files.certificate.unlink()
    message = f"{files.certificate}, the TLS certificate, cannot be read: No such file or directory."
    assert refused(check("hello.py", *files.flags)).startswith(f"RW425 {message}")
    environment = {"ROPEWALK_TLS_CERTIFICATE": f"{files.certificate}"}
    assert refused(check("hello.py", environment=environment)).startswith(f"RW425 ROPEWALK_TLS_CERTIFICATE: {message}")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tls-key", "x"], "--tls-key needs a certificate, and there is none. Set --tls-certificate, too."),
        (["--redirect-http", "80"], "--redirect-http needs a certificate, and there is none."),
        (["--tls-self-signed", "--tls-certificate", "x"], "--tls-self-signed and --tls-certificate are set."),
        (["--tls-self-signed", "--tls-key", "x"], "--tls-self-signed and --tls-key are set."),
        (["--tls-self-signed", "--tls-local-authority"], "--tls-self-signed and --tls-local-authority are set."),
        (["--tls-local-authority", "--tls-certificate", "x"], "--tls-local-authority and --tls-certificate are set."),
        (["--tls-client-ca", "x"], "--tls-client-ca needs a certificate, and there is none."),
        (
            ["--tls-self-signed", "--tls-client-certificates", "required"],
            "--tls-client-certificates is set, and clients are not asked for a certificate. Set --tls-client-ca, too.",
        ),
        (["--tls-client-certificates", "required"], "--tls-client-certificates is set, and clients are not asked"),
        (["--tls-self-signed", "--redirect-target-port", "443"], "--redirect-target-port is set, and nothing is"),
        (["--tls-self-signed", "--host", "0.0.0.0"], "tcp:8080:interface=0.0.0.0 is open to other machines"),
        (["--tls-self-signed", "--listen", "unix:x.sock"], "unix:x.sock cannot use TLS: it is a UNIX socket"),
        (["--tls-self-signed", "--redirect-http", "x"], "'x' is not an address on which to redirect to HTTPS."),
        (
            ["--tls-self-signed", "--trusted-proxy", "::1", "--proxy-protocol"],
            "TLS and the PROXY protocol do not work together",
        ),
    ],
)
def test_contradictions(check: Check, flags: list[str], message: str) -> None:
    assert refused(check("hello.py", *flags)).startswith(f"RW426 {message}")


def test_a_variable_is_named(check: Check) -> None:
    output = refused(check("hello.py", environment={"ROPEWALK_TLS_KEY": "x"}))
    assert output.startswith("RW426 ROPEWALK_TLS_KEY needs a certificate, and there is none. Set ROPEWALK_TLS_CERT")


def test_redirects_work_with_a_self_signed_certificate(check: Check) -> None:
    result = check("hello.py", "--tls-self-signed", "--port", "0", "--redirect-http", "127.0.0.1:0")
    assert setting(result, "tls_self_signed") == ("true", "flag")


def test_a_version_of_tls_for_plain_http(check: Check, project: Path) -> None:
    (project / "ropewalk.toml").write_text('tls_minimum_version = "1.3"\n')
    remark = "tls_minimum_version in ropewalk.toml has no effect without a certificate: this is plain HTTP."
    assert remark in check("hello.py").output.replace(f"{project}/", "")
    assert "no effect" not in check("hello.py", "--tls-self-signed").output


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        (["--tls-key", "no"], {}, "no, the TLS key, cannot be read"),
        ([], {"ROPEWALK_TLS_KEY": "no"}, "ROPEWALK_TLS_KEY: no, the TLS key, cannot be read"),
        (["--tls-client-ca", "no"], {}, "no, the TLS certificate of client authorities, cannot be read"),
        (
            [],
            {"ROPEWALK_TLS_CLIENT_CA": "no"},
            "ROPEWALK_TLS_CLIENT_CA: no, the TLS certificate of client authorities, cannot",
        ),
    ],
)
def test_an_error_names_the_setting_of_the_file(
    check: Check, files: Files, flags: list[str], environment: dict[str, str], message: str
) -> None:
    """The error names the file that cannot be read and, if a variable gave the file, the variable. It does not name the
    variable of another file."""
    here = {"ROPEWALK_TLS_CERTIFICATE": f"{files.certificate}", "ROPEWALK_TLS_KEY": f"{files.key}"}
    assert refused(check("hello.py", *flags, environment=here | environment)).startswith(f"RW425 {message}")
