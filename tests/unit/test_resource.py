"""The resource tree and the search in it."""

import inspect
import subprocess
import sys
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response
from ropewalk.errors import TreeError
from ropewalk.resource import Handler, adapters, attached_handler, node_of, register_adapter, resource_of
from ropewalk.testing import Client


class Text(Resource):
    """A resource that responds with a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def render_GET(self, request: Request) -> str:
        return self.word


def tree(**children: Any) -> Resource:
    root = Resource()
    for name, child in children.items():
        root.putChild(name, child)
    return root


class TestChildren:
    def test_names_may_be_str_or_bytes(self) -> None:
        root = Resource()
        root.putChild(b"", Text("root"))
        root.putChild("a", Text("a"))
        client = Client(root)
        assert client.get("/").text == "root"
        assert client.get("/a").text == "a"
        assert client.get("/b").status == 404

    def test_the_root_itself_may_respond(self) -> None:
        assert Client(Text("root")).get("/").text == "root"

    def test_twisteds_habit_of_a_root_that_is_its_own_child(self) -> None:
        root = Text("root")
        root.putChild(b"", root)
        root.putChild("a", Text("a"))
        client = Client(root)
        assert client.get("/").text == "root"
        assert client.get("/a").text == "a"

    def test_a_child_may_be_replaced_and_taken_away(self) -> None:
        root = tree(a=Text("first"))
        client = Client(root)
        assert client.get("/a").text == "first"
        root.putChild("a", Text("second"))
        assert client.get("/a").text == "second"
        root.delEntity("a")
        assert client.get("/a").status == 404

    def test_a_change_far_below_is_seen(self) -> None:
        deep = tree(c=Text("old"))
        client = Client(tree(a=tree(b=deep)))
        assert client.get("/a/b/c").text == "old"
        deep.putChild("c", Text("new"))
        assert client.get("/a/b/c").text == "new"

    def test_listing(self) -> None:
        root = tree(a=Text("a"))
        assert root.listNames() == ["a"]
        assert isinstance(root.getStaticEntity(b"a"), Text)
        assert root.getStaticEntity("b") is None

    def test_a_name_of_two_segments(self) -> None:
        with pytest.raises(TreeError, match="RW106 'a/b'"):
            Resource().putChild("a/b", Resource())

    def test_what_is_not_a_resource(self) -> None:
        with pytest.raises(TreeError, match="RW105 'a string', of type str, is neither .* pass Files"):
            Resource().putChild("a", "a string")

    def test_what_has_a_resource(self) -> None:
        from twisted.web.resource import Resource as TwistedResource
        from twisted.web.server import Site

        with pytest.raises(
            TreeError, match=r"RW105 .*, of type twisted.web.server.Site, .* Pass its `resource` attribute."
        ):
            Resource().putChild("a", Site(TwistedResource(), reactor=object()))

    def test_what_makes_a_resource(self) -> None:
        from klein import Klein

        with pytest.raises(
            TreeError, match=r"RW105 .*, of type klein.*, .* Call its `resource` method, and pass the result."
        ):
            Resource().putChild("a", Klein())

    @pytest.mark.parametrize("ours", [True, False])
    def test_a_class_of_resources(self, ours: bool) -> None:
        from twisted.web.resource import Resource as TwistedResource

        kind = Resource if ours else TwistedResource
        with pytest.raises(TreeError, match=r"RW105 .*\. Pass an instance of the class: Resource\(\.\.\.\)\."):
            Resource().putChild("a", kind)

    def test_a_subclass_need_not_call_init(self) -> None:
        class Careless(Resource):
            def __init__(self) -> None:
                self.putChild("a", Text("a"))

        assert Client(Careless()).get("/a").text == "a"

    def test_an_app_as_a_child(self) -> None:
        app = App()
        app.get("/")(lambda request: "inside")
        assert Client(tree(app=app)).get("/app/").text == "inside"

    def test_its_attributes_are_its_users(self) -> None:
        class Busy(Resource):
            def __init__(self) -> None:
                self.app = self.resource = self.handlers = self.children = self.scope = self.mounted = App()

            def render_GET(self, request: Request) -> str:
                return "busy"

        assert Client(tree(busy=Busy())).get("/busy").text == "busy"
        assert Client(Busy()).get("/").text == "busy"


class TestPaths:
    def test_segments_are_decoded(self) -> None:
        client = Client(tree(**{"a b": Text("blank"), "é": Text("accent")}))
        assert client.get("/a%20b").text == "blank"
        assert client.get("/%C3%A9").text == "accent"

    def test_an_encoded_slash_does_not_divide(self) -> None:
        assert Client(tree(a=tree(b=Text("b")))).get("/a%2Fb").status == 404

    def test_an_encoded_slash_reaches_get_child(self) -> None:
        class Named(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                return Text(name)

        assert Client(Named()).get("/a%2Fb").text == "a/b"

    def test_what_is_not_utf_8(self) -> None:
        assert Client(tree()).get("/%ff").status == 400

    def test_empty_segments_count(self) -> None:
        assert Client(tree(a=Text("a"))).get("//a").status == 404


class TestDynamic:
    def test_children_are_made_for_names(self) -> None:
        class Names(Resource):
            def getChild(self, name: str, request: Request) -> Resource | None:
                return Text(f"{name} {request.prepath} {request.postpath}") if name != "nobody" else None

        client = Client(tree(names=Names()))
        assert client.get("/names/Ada").text == "Ada ['names', 'Ada'] []"
        assert client.get("/names/Bob").text == "Bob ['names', 'Bob'] []"
        assert client.get("/names/nobody").status == 404
        assert client.get("/names").status == 404

    def test_static_children_come_first(self) -> None:
        class Names(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                return Text("dynamic")

        names = Names()
        names.putChild("fixed", Text("fixed"))
        client = Client(tree(names=names))
        assert client.get("/names/fixed").text == "fixed"
        assert client.get("/names/other").text == "dynamic"

    def test_a_child_that_is_not_a_resource(self, log: Log) -> None:
        class Wrong(Resource):
            def getChild(self, name: str, request: Request) -> Any:
                return 5

        assert Client(Wrong(), raise_errors=False).get("/a").status == 500
        assert "RW105 GET /a: what leads to it: 5, of type int, is neither a Resource nor an App." in log.text

    def test_a_child_may_raise(self) -> None:
        class Guarded(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                raise HTTPError(403)

        assert Client(Guarded()).get("/a").status == 403


class TestLeaf:
    def test_what_is_left_of_the_path(self) -> None:
        class Leaf(Resource):
            isLeaf = True

            def render_GET(self, request: Request) -> str:
                return f"{request.prepath} {request.postpath}"

        client = Client(tree(leaf=Leaf()))
        assert client.get("/leaf").text == "['leaf'] []"
        assert client.get("/leaf/").text == "['leaf'] ['']"
        assert client.get("/leaf/a/b%20c").text == "['leaf'] ['a', 'b c']"


class TestRender:
    def test_methods_by_name(self) -> None:
        class Both(Resource):
            def render_GET(self, request: Request) -> str:
                return "got"

            async def render_POST(self, request: Request) -> bytes:
                return await request.body()

        client = Client(Both())
        assert client.get("/").text == "got"
        assert client.post("/", body="sent").text == "sent"
        assert client.head("/").headers["content-length"] == "3"
        response = client.put("/")
        assert response.status == 405
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"

    def test_content_type_of_a_resource(self) -> None:
        class Plain(Text):
            content_type = "text/plain"

        assert Client(Text("x")).get("/").headers["content-type"] == "text/html; charset=utf-8"
        assert Client(Plain("x")).get("/").headers["content-type"] == "text/plain"

    def test_render_stands_for_every_method(self) -> None:
        class Any_(Resource):
            def render(self, request: Request) -> str:
                return request.method

        client = Client(Any_())
        assert client.get("/").text == "GET"
        assert client.patch("/").text == "PATCH"

    def test_render_may_ask_the_base_class(self) -> None:
        class Logged(Text):
            def render(self, request: Request) -> Any:
                request.setHeader("x-logged", "yes")
                return super().render(request)

        response = Client(Logged("word")).request("GET", "/")
        assert response.text == "word"

    def test_headers_and_status_in_twisteds_manner(self) -> None:
        class Created(Resource):
            def render_GET(self, request: Request) -> bytes:
                request.setResponseCode(201, b"Made")
                request.setHeader(b"Content-Type", b"text/x-made")
                return b"made"

        response = Client(Created()).get("/")
        assert (response.status, response.reason) == (201, "Made")
        assert response.headers.all("content-type") == ["text/x-made"]
        assert response.text == "made"

    def test_an_error_is_not_disguised_by_what_was_set_before(self) -> None:
        class Failing(Resource):
            def render_GET(self, request: Request) -> str:
                request.setResponseCode(201)
                request.setHeader("x-set", "yes")
                raise HTTPError(404)

        response = Client(Failing()).get("/")
        assert response.status == 404
        assert "x-set" not in response.headers

    def test_a_resource_that_sends_the_response_itself(self) -> None:
        class Late(Resource):
            def render_GET(self, request: Request) -> int:
                from asyncio import get_running_loop

                request.setHeader("content-length", "6")
                get_running_loop().call_later(0.01, self.answer, request)
                return NOT_DONE_YET

            def answer(self, request: Request) -> None:
                request.write("abc")
                request.write(b"def")
                request.finish()

        response = Client(Late()).get("/")
        assert response.text == "abcdef"
        assert response.headers["content-length"] == "6"

    def test_a_redirect_in_twisteds_manner(self) -> None:
        class Away(Resource):
            def render_GET(self, request: Request) -> bytes:
                request.redirect(b"/elsewhere")
                return b""

        response = Client(Away()).get("/")
        assert (response.status, response.headers["location"]) == (302, "/elsewhere")


class TestDepth:
    class Itself(Text):
        """A resource that reads the remaining segments itself, as in Twisted."""

        def getChild(self, name: str, request: Request) -> Resource:
            return self

    def test_a_resource_that_is_its_own_child(self) -> None:
        client = Client(tree(me=self.Itself("me")))
        assert client.get("/me" + "/a" * 100).text == "me"
        assert client.get("/me" + "/a" * 600).status == 404

    def test_ways_in_circles_are_not_all_tried(self) -> None:
        circular = self.Itself("root")
        circular.putChild("", circular)
        assert Client(circular).post("/" * 100).status == 405

    def test_a_leaf_takes_any_number_of_segments(self) -> None:
        leaf = Text("leaf")
        leaf.isLeaf = True
        assert Client(tree(leaf=leaf)).get("/leaf" + "/a" * 600).text == "leaf"


class TestMixing:
    def test_routes_grow_among_resources(self) -> None:
        app = App()
        app.resource.putChild("legacy", tree(old=Text("old")))
        app.get("/legacy/new")(lambda request: "new")
        client = Client(app)
        assert client.get("/legacy/old").text == "old"
        assert client.get("/legacy/new").text == "new"

    def test_a_route_at_the_place_of_a_resource(self) -> None:
        app = App()
        app.resource.putChild("a", Text("a"))
        with pytest.raises(TreeError, match=r"RW104 GET /a is registered twice: tests/unit/test_resource.py:\d+ and"):
            app.get("/a")(lambda request: "again")

    def test_a_resource_below_a_parameter(self) -> None:
        class User(Resource):
            def render_GET(self, request: Request) -> Response:
                return Response(f"user {request.params['id']}")

        app = App()
        app.mount("/users/{id:int}/page", User())
        assert Client(app).get("/users/7/page").text == "user 7"


class Told:
    """An owner that counts how often it is notified."""

    count = 0

    def changed(self, seen: set[int]) -> None:
        del seen
        self.count += 1


class TestOwners:
    def test_all_owners_are_notified(self) -> None:
        owners = [Told() for _ in range(3)]
        node = node_of(Resource())
        for owner in (*owners, owners[0]):
            node.own(owner)
        node.put("child", Resource())
        assert [owner.count for owner in owners] == [1, 1, 1]

    def test_an_owner_that_no_longer_exists_is_forgotten(self) -> None:
        first, second = Told(), Told()
        node = node_of(Resource())
        node.own(first)
        node.own(second)
        del first
        node.put("child", Resource())
        third = Told()
        node.own(third)
        node.put("child", Resource())
        assert (second.count, third.count) == (2, 1)

    def test_handlers_of_several_parents_are_found_anew(self) -> None:
        shared = tree()
        app = App()
        for name in ("one", "two"):
            app.resource.putChild(name, shared)
        with Client(app) as client:
            assert [client.get(f"/{name}/new").status for name in ("one", "two")] == [404, 404]
            shared.putChild("new", Text("new"))
            assert [client.get(f"/{name}/new").status for name in ("one", "two")] == [200, 200]


class TestAdapters:
    def test_objects_of_another_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Page:
            def __init__(self, text: str) -> None:
                self.text = text

        class PageResource(Resource):
            def __init__(self, page: Page) -> None:
                self.page = page

            def render_GET(self, request: Request) -> str:
                return self.page.text

        monkeypatch.setattr(adapters, "_adapters", adapters._adapters.copy())
        register_adapter(lambda thing: isinstance(thing, Page), lambda: PageResource)
        app = App()
        app.mount("/page", Page("Hello"))
        assert Client(app).get("/page").text == "Hello"

    def test_no_adapter_is_loaded_before_it_is_needed(self) -> None:
        program = "import sys, ropewalk; assert not {'twisted.web.resource', 'ropewalk.dropin'} & {*sys.modules}"
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_resources_of_twisted_web_need_no_import_of_the_adapter(self) -> None:
        program = (
            "from ropewalk import App; from twisted.web.resource import Resource\n"
            "App().mount('/legacy', Resource()); import sys; assert 'ropewalk.dropin.mount.mounting' in sys.modules"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


class TestHandlers:
    def test_a_function_leads_to_the_handler_that_names_other_code(self) -> None:
        def call(request: Request) -> None: ...

        def application() -> None: ...

        resource = Resource()
        handler = Handler(call, user_code=application, resource=resource)
        assert attached_handler(call) is handler
        assert resource_of(call) is resource
        assert inspect.unwrap(call) is application

    def test_a_method_of_a_resource_belongs_to_it(self) -> None:
        word = Text("word")
        assert resource_of(word.render_GET) is word
        assert attached_handler(word.render_GET) is None

    def test_a_function_of_the_users_belongs_to_no_resource(self) -> None:
        def call(request: Request) -> None: ...

        Handler(call)
        assert attached_handler(call) is None
        assert resource_of(call) is None
