"""The message of an error in a template names the mistake, its file and line, and the remedy."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.templating.sites import site, templates

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.templating import TemplateError, Templates, TemplatesOptions, render
from ropewalk.testing import Client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Templates with mistakes."""
    for name, text in {
        "base.html": "<html>{% block main %}{% endblock %}</html>",
        "name.html": "<p>\n{{ romo }}",
        "child.html": "{% extends 'base.html' %}\n{% block main %}\n{{ romo }}{% endblock %}",
        "attribute.html": "\n\n{{ room.nubmer }}",
        "key.html": "{{ guest.nmae }}",
        "missing.html": "{{ guest.title }}",
        "syntax.html": "<p>\n\n{% if %}",
        "unclosed.html": "{% for x in [] %}\n",
        "filter.html": "\n{{ 1|eurso }}",
        "include.html": "<p>\n{% include 'nav.htlm' %}",
        "nav.html": "nav",
        "python.html": "\n\n\n{{ 1 / 0 }}",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


class Room:
    number = "12"


def message(folder: Path, name: str, **options: Any) -> str:
    """The error of a page, without the name of the handler. The places are relative to the folder."""
    app = App(templates=Templates(folder))

    @app.get("/")
    def index(request: Request) -> Response:
        del request
        return render(name, room=Room(), guest={"name": "Ada"}, **options)

    with pytest.raises(TemplateError) as raised:
        Client(app).get("/")
    shown = re.sub(r"(?<=^RW\d{3} )message\S+ at \S+: ", "", str(raised.value))
    return shown.replace(f"{folder}/", "").replace(str(folder), "the folder")


MESSAGES = {
    "name.html": "RW293 name.html:2: romo is not defined. Did you mean room?",
    "child.html": "RW293 child.html:3: romo is not defined. Did you mean room?",
    "attribute.html": "RW293 attribute.html:3: nubmer is not defined in a value of type Room. Did you mean number?",
    "key.html": "RW293 key.html:1: nmae is not defined in a value of type dict. Did you mean name?",
    "missing.html": "RW293 missing.html:1: title is not defined in a value of type dict. If the key may be missing, "
    "write `.get('title')`, or `{% if 'title' in ... %}`.",
    "syntax.html": "RW294 syntax.html:3: Expected an expression, got 'end of statement block'",
    "unclosed.html": "RW294 unclosed.html:",
    "filter.html": "RW294 filter.html:2: No filter named 'eurso'.",
    "include.html": "RW292 The template 'nav.htlm', which include.html:2 uses, does not exist in the folder. "
    "Did you mean nav.html?",
    "chid.html": "RW292 The template 'chid.html' does not exist in the folder. Did you mean child.html?",
}


class TestMessages:
    @pytest.mark.parametrize("name", MESSAGES)
    def test_they_have_the_file_the_line_and_the_remedy(self, folder: Path, name: str) -> None:
        assert message(folder, name).startswith(MESSAGES[name])

    def test_streams_have_the_same_errors(self, folder: Path) -> None:
        assert message(folder, "name.html", stream=True).startswith(MESSAGES["name.html"])
        assert message(folder, "chid.html", stream=True).startswith(MESSAGES["chid.html"])

    def test_blocks(self, folder: Path) -> None:
        expected = "RW292 The template 'child.html' has no block 'mian'. Did you mean main?"
        assert message(folder, "child.html", block="mian") == expected
        assert message(folder, "nav.html", block="x").endswith("has no block 'x'. Write {% block x %} in it.")
        assert message(folder, "base.html", block="rows").endswith("It has main.")

    def test_exceptions_of_other_code_are_unchanged(self, folder: Path) -> None:
        with pytest.raises(ZeroDivisionError) as raised:
            site(Templates(folder)).get("/python")
        assert (str(folder / "python.html"), 4) in [(str(each.path), each.lineno + 1) for each in raised.traceback]

    def test_lenient_templates(self) -> None:
        client = site(templates(TemplatesOptions(lenient=True), page="[{{ romo.number }}]"))
        assert client.get("/page").text == "[]"

    def test_what_is_allowed_with_undefined_names(self) -> None:
        client = site(templates(page="{{ a is defined }} {{ a|default('none') }}"))
        assert client.get("/page").text == "False none"

    def test_check_finds_all_mistakes_of_syntax(self, folder: Path) -> None:
        with pytest.raises(TemplateError, match=r"RW294 .*filter.html:2: No filter named"):
            Templates(folder).check()
        templates(page="{{ name }}", other="{% block b %}{% endblock %}").check()


class TestWhereTheyAreShown:
    def test_in_the_page_of_a_debugged_app(self, folder: Path) -> None:
        client = site(Templates(folder), debug=True, raise_errors=False)
        response = client.get("/name", headers={"Accept": "text/html"})
        assert response.status == 500
        assert "name.html:2: romo is not defined." in response.text
        assert f"File &quot;{folder}/name.html&quot;, line 2" in response.text

    def test_not_in_the_page_of_an_app(self, folder: Path) -> None:
        response = site(Templates(folder), raise_errors=False).get("/name", headers={"Accept": "text/html"})
        assert (response.status, "romo" in response.text) == (500, False)


WRONG: list[tuple[Any, str]] = [
    ({"context": 1}, "context cannot be 1. Give a function of the request that returns a dict."),
    ({"context": lambda: {"a": 1}}, "context is .*, which cannot be called with a request"),
    ({"globals": {1: 2}}, "globals cannot be {1: 2}. Give a dict whose keys are names."),
    ({"filters": {"euros": 1}}, r"filters\['euros'\] cannot be 1. Give a function."),
    ({"tests": []}, r"tests cannot be \[\]. Give a dict"),
    ({"extensions": "do"}, "extensions cannot be 'do'. Give a list of str."),
    ({"error_pages": {200: "x.html"}}, "error_pages cannot be {200: 'x.html'}. Give a folder"),
    ({"error_pages": 404}, "error_pages cannot be 404. Give a folder"),
    ({"lenient": 1}, "lenient cannot be 1. Write True or False."),
    ({"reload": "no"}, "reload cannot be 'no'. Write True, False or None."),
]


class TestOptions:
    @pytest.mark.parametrize(("options", "text"), WRONG, ids=[next(iter(options)) for options, _ in WRONG])
    def test_wrong_values(self, options: Any, text: str) -> None:
        with pytest.raises(HandlerError) as raised:
            TemplatesOptions(**options)
        shown, places = re.subn(r" \(\S*test_errors.py:\d+\)", "", str(raised.value))
        assert places == 1
        assert re.match(f"RW291 TemplatesOptions: {text}", shown)

    def test_wrong_folders(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for folder, text in (
            (tmp_path / "nowhere", "nowhere does not exist"),
            (tmp_path / "file", "file is not a folder"),
            (7, "Templates got 7, of type int"),
        ):
            with pytest.raises(HandlerError, match=f"RW291 .*{text}"):
                Templates(folder)

    def test_wrong_templates_of_an_app(self) -> None:
        given: Any = "templates"
        with pytest.raises(HandlerError, match=r"RW291 The templates of the app are 'templates', of type str"):
            App(templates=given)
        app = App()
        with pytest.raises(HandlerError, match=r"RW291 .* Write `templates=Templates\(\"templates\"\)`"):
            app.templates = given

    def test_wrong_options_object(self) -> None:
        given: Any = {"lenient": True}
        with pytest.raises(HandlerError, match=r"RW291 .* Give the options as TemplatesOptions\(\.\.\.\)"):
            Templates(".", given)

    def test_without_jinja(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import sys

        monkeypatch.setitem(sys.modules, "jinja2", None)
        with pytest.raises(ImportError, match=r"RW290 .* needs jinja2, which is not installed.*ropewalk\[templates\]"):
            Templates(".")
