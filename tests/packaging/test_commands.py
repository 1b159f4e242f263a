"""Every command of the README and of the how-to pages works where only Ropewalk is installed."""

import re
import shlex
import signal
from pathlib import Path

import pytest
from tests.packaging.cases import CASES, PROJECTS, NotRun, Prints, Serves
from tests.packaging.clients import get, port_of
from tests.packaging.installations import CHECKED, installation
from tests.packaging.pages import PAGES, commands_of

SERVING = {command: case for command, case in CASES.items() if isinstance(case, Serves)}
PRINTING = {command: case for command, case in CASES.items() if isinstance(case, Prints)}

_PORT = re.compile(r"(?<=tcp:)[1-9][0-9]*|(?<=--port )[1-9][0-9]*")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_has_a_case(page: Path) -> None:
    assert [command for command in commands_of(page) if command not in CASES] == []


def test_every_case_is_on_a_page() -> None:
    assert set(CASES) == {command for page in PAGES for command in commands_of(page)}


def test_what_is_not_run_has_a_reason() -> None:
    assert all(case.reason for case in CASES.values() if isinstance(case, NotRun))


@pytest.mark.slow
@pytest.mark.parametrize("extra", CHECKED)
@pytest.mark.parametrize("command", SERVING)
def test_a_command_that_serves(command: str, extra: str, tmp_path: Path) -> None:
    case = SERVING[command]
    program = shlex.split(case.instead or _PORT.sub("0", command))
    with installation(extra).start(*program, cwd=project(case.project, tmp_path), ROPEWALK_PORT="0") as process:
        address = port_of(process)
        response = get(tmp_path / address if isinstance(address, str) else address, case.path, before=case.before)
        assert response.startswith("HTTP/1.1 200 ")
        assert response.endswith(case.response)
        process.terminate()
        output, _ = process.communicate()
        assert process.returncode in (0, -signal.SIGTERM), output  # `twist` ends itself by SIGTERM
        assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.parametrize("extra", CHECKED)
@pytest.mark.parametrize("command", PRINTING)
def test_a_command_that_prints(command: str, extra: str, tmp_path: Path) -> None:
    case = PRINTING[command]
    program = shlex.split(case.instead or command)
    code, output = installation(extra).run(*program, cwd=project(case.project, tmp_path))
    assert code == 0, output
    assert case.text in output


def project(name: str, folder: Path) -> Path:
    """Write the files of a project into the folder."""
    for path, text in PROJECTS[name].items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
