"""The options of `wsgi()` and `asgi()`. Common options are named, passed, checked and documented alike."""

from dataclasses import FrozenInstanceError, fields
from inspect import getsource, signature
from typing import Any

import pytest

from ropewalk import ASGIOptions, WSGIOptions, asgi, wsgi
from ropewalk.cli.hosting import Hosting
from ropewalk.errors import HandlerError


async def by_asgi(scope: Any, receive: Any, send: Any) -> None: ...


def by_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


BOTH: Any = pytest.mark.parametrize(
    ("host", "application", "options"),
    [(wsgi, by_wsgi, WSGIOptions), (asgi, by_asgi, ASGIOptions)],
    ids=["wsgi", "asgi"],
)

SHARED = {"body_limit"}
OWN = {WSGIOptions: {"threads", "waiting"}, ASGIOptions: {"lifespan"}}
"""Options of only one of the two interfaces."""


def test_the_shared_ones_have_the_same_names_types_and_defaults() -> None:
    wsgis, asgis = ({field.name: field for field in fields(kind)} for kind in (WSGIOptions, ASGIOptions))
    assert wsgis.keys() & asgis.keys() == SHARED
    for name in SHARED:
        assert (wsgis[name].type, wsgis[name].default) == (asgis[name].type, asgis[name].default)


@BOTH
def test_every_field_is_listed_here_and_has_documentation(host: Any, application: Any, options: Any) -> None:
    names = {field.name for field in fields(options)}
    assert names == SHARED | OWN[options]
    source = getsource(options)
    assert all('\n    """' in source.partition(f"    {name}: ")[2].partition("\n    def ")[0] for name in names)


def test_the_signatures_are_the_same() -> None:
    taken = [list(signature(host).parameters.values()) for host in (wsgi, asgi)]
    assert [each.name for each in taken[0]] == [each.name for each in taken[1]] == ["application", "options"]
    assert [each.kind for each in taken[0]] == [each.kind for each in taken[1]]
    assert [each[1].default for each in taken] == [WSGIOptions(), ASGIOptions()]


@BOTH
def test_they_are_kept(host: Any, application: Any, options: Any) -> None:
    given = options(body_limit=7)
    assert host(application, given).options is given
    with pytest.raises(FrozenInstanceError):
        given.body_limit = 8


@BOTH
@pytest.mark.parametrize("limit", [-1, 1.5, "10", True])
def test_an_invalid_limit(host: Any, application: Any, options: Any, limit: Any) -> None:
    with pytest.raises(
        HandlerError,
        match=rf"RW271 {options.__name__} has the invalid value body_limit={limit!r} \(.*test_hosting_options.py:",
    ):
        options(body_limit=limit)


@pytest.mark.parametrize("name", ["threads", "waiting"])
@pytest.mark.parametrize("number", [0, -1, 1.5, "2", True])
def test_invalid_numbers_of_threads_and_requests(name: str, number: Any) -> None:
    with pytest.raises(
        HandlerError,
        match=rf"RW271 WSGIOptions has the invalid value {name}={number!r} \(.*py:[0-9]+\)\. Give an int of at least 1",
    ):
        WSGIOptions(**{name: number})


@BOTH
@pytest.mark.parametrize("given", [None, 10, {"body_limit": 1}, "the other"])
def test_options_of_another_kind(host: Any, application: Any, options: Any, given: Any) -> None:
    other = ASGIOptions() if options is WSGIOptions else WSGIOptions()
    with pytest.raises(
        HandlerError, match=rf"RW271 The options are .*:[0-9]+\)\. Give the options as {options.__name__}\("
    ):
        host(application, other if given == "the other" else given)


@BOTH
@pytest.mark.parametrize(("limits_body", "limit"), [(False, 100 << 20), (True, None)])
def test_the_command_line_gives_them(host: Any, application: Any, options: Any, limits_body: bool, limit: Any) -> None:
    hosting = Hosting(wsgi=host is wsgi, asgi=host is asgi, limits_body=limits_body)
    hosted: Any = hosting.host(application, "main:application")
    assert hosted.options == options(body_limit=limit)
