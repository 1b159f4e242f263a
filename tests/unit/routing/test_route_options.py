"""The options of routes and mounts: editors show them, and a wrong one is an error.

Each `type: ignore` is a test, too: mypy, in strict mode, reports one that hides no error.
"""

import ast
import inspect
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, Routes, routing
from ropewalk.errors import HandlerError, RopewalkError, TreeError
from ropewalk.routing import (
    MountOptions,
    RouteOptions,
    delete,
    get,
    head,
    options,
    patch,
    post,
    put,
    route,
    route_options,
)
from ropewalk.testing import Client

HERE = Path(__file__).name
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "routing.md").read_text(encoding="utf-8")

app = App()

WRONG_NAMES: list[Callable[[], Any]] = [
    lambda: app.route("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.get("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.head("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.post("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.put("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.patch("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.delete("/a", statsu=201),  # type: ignore[call-arg]
    lambda: app.options("/a", statsu=201),  # type: ignore[call-arg]
    lambda: route("/a", statsu=201),  # type: ignore[call-arg]
    lambda: get("/a", statsu=201),  # type: ignore[call-arg]
    lambda: head("/a", statsu=201),  # type: ignore[call-arg]
    lambda: post("/a", statsu=201),  # type: ignore[call-arg]
    lambda: put("/a", statsu=201),  # type: ignore[call-arg]
    lambda: patch("/a", statsu=201),  # type: ignore[call-arg]
    lambda: delete("/a", statsu=201),  # type: ignore[call-arg]
    lambda: options("/a", statsu=201),  # type: ignore[call-arg]
]

WRONG_TYPES: list[tuple[str, Callable[[], Any]]] = [
    ("name=5", lambda: app.get("/a", name=5)),  # type: ignore[arg-type]
    ("content_type=5", lambda: app.post("/a", content_type=5)),  # type: ignore[arg-type]
    ("summary=5", lambda: app.put("/a", summary=5)),  # type: ignore[arg-type]
    ("description=b'd'", lambda: get("/a", description=b"d")),  # type: ignore[arg-type]
    ("deprecated='yes'", lambda: app.route("/a", deprecated="yes")),  # type: ignore[arg-type]
    ("hidden=None", lambda: post("/a", hidden=None)),  # type: ignore[arg-type]
]


class TestNames:
    @pytest.mark.parametrize("register", WRONG_NAMES)
    def test_a_wrong_name_has_a_suggestion(self, register: Callable[[], Any]) -> None:
        wrong = rf"RW270 \w+\('/a'\) has no option 'statsu' \(.*{HERE}:[0-9]+\)\. Did you mean status\?"
        with pytest.raises(HandlerError, match=wrong):
            register()

    def test_a_name_that_is_like_none_lists_them_all(self) -> None:
        with pytest.raises(
            HandlerError, match=r"has no option 'xyz' \(.*\)\. The options are body_limit, compress, content_type, "
        ):
            app.get("/a", xyz=1)  # type: ignore[call-arg]

    def test_the_name_of_fastapi(self) -> None:
        with pytest.raises(HandlerError, match=r"no option 'status_code' \(.*\)\. Here it is status\."):
            app.get("/a", status_code=201)  # type: ignore[call-arg]

    def test_a_mount(self) -> None:
        wrong = rf"RW270 mount\('/b'\) has no option 'midleware' \(.*{HERE}:[0-9]+\)\. Did you mean middleware\?"
        with pytest.raises(HandlerError, match=wrong):
            app.mount("/b", App(), midleware=[])  # type: ignore[call-arg]

    def test_a_mount_has_no_options_of_routes(self) -> None:
        with pytest.raises(HandlerError, match="has no option 'status'"):
            app.mount("/b", App(), status=201)  # type: ignore[call-arg]

    @pytest.mark.parametrize("method", METHODS)
    def test_the_methods_of_a_function_for_one_method(self, method: str) -> None:
        for register in (getattr(routing, method), getattr(app, method)):
            wrong = rf"RW109 {method}\('/a'\) takes no methods \(.*{HERE}:[0-9]+\)\. Write route\('/a', methods="
            with pytest.raises(TreeError, match=wrong):
                register("/a", methods=["GET"])

    def test_nothing_is_registered(self) -> None:
        assert app.routes() == []


class TestValues:
    @pytest.mark.parametrize("wrong", [5, "x", b"x", [5], {"a": 5}, True, 1.5, object()], ids=repr)
    @pytest.mark.parametrize("name", sorted(RouteOptions.__optional_keys__))
    def test_no_value_raises_an_error_without_a_code(self, name: str, wrong: Any) -> None:
        with suppress(RopewalkError):
            App().get("/a", **{name: wrong})(lambda request: "")
        if name in MountOptions.__optional_keys__:
            with suppress(RopewalkError):
                App().mount("/a", App(), **{name: wrong})

    @pytest.mark.parametrize("wrong", [5, None, b"/", ["/"]])
    def test_what_is_not_a_path(self, wrong: Any) -> None:
        for register in (app.get, app.route, get, route, lambda path: app.mount(path, App())):
            with pytest.raises(TreeError, match=rf"RW101 .* \(.*{HERE}:[0-9]+\)\. Write"):
                register(wrong)

    def test_a_mount_with_its_arguments_exchanged(self) -> None:
        with pytest.raises(TreeError, match=r"RW101 mount was called with <.*App.*> instead of a path"):
            app.mount(App(), "/a")  # type: ignore[arg-type]

    @pytest.mark.parametrize("wrong", [5, None, [5], [], b"GET"])
    def test_what_are_not_methods(self, wrong: Any) -> None:
        with pytest.raises(
            TreeError, match=rf"RW109 '/a' has the invalid value methods=.* \(.*{HERE}:[0-9]+\)\. Write methods="
        ):
            app.route("/a", wrong)
        with pytest.raises(
            TreeError, match=rf"RW109 '/a' has the invalid value methods=.* \(.*{HERE}:[0-9]+\)\. Write methods="
        ):
            route("/a", wrong)

    @pytest.mark.parametrize(("given", "register"), WRONG_TYPES, ids=[given for given, _ in WRONG_TYPES])
    def test_a_wrong_type(self, given: str, register: Callable[[], Any]) -> None:
        with pytest.raises(
            HandlerError, match=rf"RW271 The route '/a' has the invalid value {given} \(.*{HERE}:[0-9]+\)\. "
        ):
            register()

    def test_options_in_a_dict(self) -> None:
        shared: RouteOptions = {"status": 202, "tags": ["rooms"]}
        mounted: MountOptions = {"name": "inner"}
        inner, outer = App(), App()
        inner.post("/a", **shared)(lambda request: "a")
        outer.mount("/b", inner, **mounted)
        assert Client(outer).post("/b/a").status == 202

    def test_responses_in_a_dict(self) -> None:
        # Its type is dict[int, str], which the annotation of `responses` must accept.
        responses = {404: "There is no such room."}
        app.get("/responses", responses=responses)(lambda request: "a")

    def test_a_class_declares_every_method(self) -> None:
        class Rooms(Routes):
            @head("/a")
            def heads(self) -> None: ...

            @options("/a", status=205)
            def asks(self) -> str:
                return ""

        outer = App()
        outer.mount("/", Rooms())
        assert Client(outer).request("HEAD", "/a").status == 204
        assert Client(outer).request("OPTIONS", "/a").status == 205


@pytest.mark.parametrize("kind", [RouteOptions, MountOptions])
def test_every_option_documents_itself(kind: Any) -> None:
    tree = ast.parse(inspect.getsource(route_options))
    body = next(each.body for each in tree.body if isinstance(each, ast.ClassDef) and each.name == kind.__name__)
    names = [each.target.id for each in body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
    texts = [each for each in body if isinstance(each, ast.Expr)]
    assert len(texts) == len(names) + 1
    assert set(names) == kind.__optional_keys__
    _, _, entry = REFERENCE.partition(f"ropewalk.routing.{kind.__name__}()")
    assert entry.partition(":members: ")[2].partition("\n")[0].split(", ") == names
