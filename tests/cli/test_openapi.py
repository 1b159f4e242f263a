"""`ropewalk openapi`: prints the description of an API without starting a server."""

import json
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from tests.cli.checking import message_of

from ropewalk.cli import main

PROGRAM = """
from ropewalk import App, OpenAPI, Resource

app = App({options})

@app.get("/rooms/{{number:int}}", {route})
def room(request, number):
    '''Ein Zimmer für €.'''
"""


def openapi(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["openapi", *arguments])


def write(project: Path, options: str = "", route: str = "") -> None:
    (project / "hello.py").write_text(PROGRAM.format(options=options, route=route), encoding="utf-8")


def test_an_app_that_publishes_nothing(project: Path) -> None:
    write(project)
    result = openapi("hello.py")
    assert result.exit_code == 0
    document = json.loads(result.output)
    assert document["info"] == {"title": "hello.py:app", "version": "0.0.0"}
    assert document["paths"]["/rooms/{number}"]["get"]["summary"] == "Ein Zimmer für €."
    assert result.output.startswith('{\n  "openapi": "3.1.1",\n')
    assert result.output.endswith("\n}\n")


def test_the_options_of_the_app(project: Path) -> None:
    write(project, "openapi=OpenAPI('Hotel', '2.0')")
    document = json.loads(openapi("hello.py").output)
    assert document["info"] == {"title": "Hotel", "version": "2.0"}
    assert list(document["paths"]) == ["/rooms/{number}"]


def test_a_resource(project: Path) -> None:
    (project / "hello.py").write_text("from ropewalk import Resource\nroot = Resource()\n")
    assert json.loads(openapi("hello.py").output)["paths"] == {}


def test_yaml(project: Path) -> None:
    write(project)
    result = openapi("hello.py", "--yaml")
    assert result.exit_code == 0
    assert result.output.startswith("openapi: 3.1.1\ninfo:\n  title: hello.py:app\n")
    assert "Ein Zimmer für €." in result.output
    assert not result.output.endswith("\n\n")
    assert msgspec.yaml.decode(result.output) == json.loads(openapi("hello.py").output)


def test_yaml_without_its_package(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project)
    monkeypatch.setitem(sys.modules, "yaml", None)
    result = openapi("hello.py", "--yaml")
    assert result.exit_code == 2
    assert message_of(result.output) == (
        "RW750 --yaml needs PyYAML, which is not installed. "
        "Run `pip install '/path/to/ropewalk[openapi]'`, with the path of your checkout or wheel.\n"
    )


def test_a_description_that_cannot_be_made(project: Path) -> None:
    write(project, route="operation={'x-object': object()}")
    result = openapi("hello.py")
    assert result.exit_code == 2
    assert result.output.startswith("RW219 The description of the API has a value that JSON cannot have: ")
