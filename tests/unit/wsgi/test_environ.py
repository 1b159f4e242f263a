"""The environ of a request."""

from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.wsgi.applications import TEXT, Recorder, client, validated

from ropewalk import App, Request, Resource, TrustedProxies
from ropewalk.testing import Client
from ropewalk.wsgi import Environ, StartResponse, wsgi
from ropewalk.wsgi.environ import make_environ


def asked(path: str = "/", mounted: str = "/", method: str = "GET", **options: Any) -> Environ:
    """The environ of one request."""
    recorder = Recorder()
    assert client(recorder, mounted).request(method, path, **options).status == 200
    return recorder.environ


class TestPath:
    @pytest.mark.parametrize(
        ("mounted", "path", "script", "info"),
        [
            ("/", "/", "", "/"),
            ("/", "/a/b", "", "/a/b"),
            ("/", "/a/", "", "/a/"),
            ("/", "//a", "", "//a"),
            ("/blog", "/blog", "/blog", ""),
            ("/blog", "/blog/", "/blog", "/"),
            ("/blog", "/blog//", "/blog", "//"),
            ("/blog", "/blog/2024/may", "/blog", "/2024/may"),
            ("/a/b", "/a/b/c", "/a/b", "/c"),
            ("/{user}", "/ada/c", "/ada", "/c"),
            ("/{user}", "/a%20b%3Fc", "/a b?c", ""),
            ("/caf%C3%A9", "/caf%25C3%25A9/x", "/caf%C3%A9", "/x"),
            ("/café", "/caf%C3%A9/x", "/caf\xc3\xa9", "/x"),
        ],
    )
    def test_it_is_split_where_the_application_stands(self, mounted: str, path: str, script: str, info: str) -> None:
        environ = asked(path, mounted)
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script, info)

    @pytest.mark.parametrize(
        ("path", "info"),
        [
            ("/a%20b+c", "/a b+c"),
            ("/caf%C3%A9", "/caf\xc3\xa9"),
            ("/a%2Fb%3Fc", "/a/b?c"),
            ("/%25C3", "/%C3"),
            ("/a;b=c", "/a;b=c"),
        ],
    )
    def test_percent_encoding_is_undone_a_character_for_a_byte(self, path: str, info: str) -> None:
        environ = asked(path)
        assert (environ["PATH_INFO"], environ["REQUEST_URI"]) == (info, path)

    def test_below_apps_in_apps(self) -> None:
        recorder = Recorder()
        inner, outer = App(), App()
        inner.mount("/wiki", wsgi(validated(recorder)))
        outer.mount("/team", inner)
        assert Client(outer).get("/team/wiki/Home").status == 200
        assert (recorder.environ["SCRIPT_NAME"], recorder.environ["PATH_INFO"]) == ("/team/wiki", "/Home")

    def test_as_a_child_without_a_name(self) -> None:
        recorder = Recorder()
        root = Resource()
        root.putChild("", wsgi(validated(recorder)))
        assert Client(root).get("/").status == 200
        assert (recorder.environ["SCRIPT_NAME"], recorder.environ["PATH_INFO"]) == ("", "/")

    def test_as_a_child_made_for_the_request(self) -> None:
        recorder = Recorder()

        class Users(Resource):
            def getChild(self, name: str, request: Request) -> Resource:
                return wsgi(validated(recorder))

        assert Client(Users()).get("/ada/x").status == 200
        assert (recorder.environ["SCRIPT_NAME"], recorder.environ["PATH_INFO"]) == ("/ada", "/x")

    def test_routes_of_the_app_come_first(self) -> None:
        app = App()
        app.get("/hello")(lambda request: "route")
        app.mount("/", wsgi(validated(Recorder())))
        assert Client(app).get("/hello").text == "route"
        assert Client(app).get("/hello/there").text == ""


class TestFields:
    def test_they_have_keys_of_their_own(self) -> None:
        environ = asked(headers={"Accept": "text/html", "X-Trace": "7", "User-Agent": "caf\xe9"})
        assert environ["HTTP_ACCEPT"] == "text/html"
        assert environ["HTTP_X_TRACE"] == "7"
        assert environ["HTTP_USER_AGENT"] == "caf\xe9"

    def test_several_lines_are_joined(self) -> None:
        lines = [("X-List", "a"), ("X-List", "b"), ("Accept", "c"), ("X-List", ""), ("Accept", "d"), ("X-List", "e")]
        environ = asked(headers=lines)
        assert (environ["HTTP_X_LIST"], environ["HTTP_ACCEPT"]) == ("a, b, , e", "c, d")

    def test_cookies_are_joined_as_cookies_are(self) -> None:
        assert asked(headers=[("Cookie", "a=1"), ("Cookie", "b=2")])["HTTP_COOKIE"] == "a=1; b=2"

    @pytest.mark.parametrize("name", ["X_Real_IP", "X_Forwarded-For", "Content_Length", "Content_Type", "_"])
    def test_what_could_pass_for_another_is_dropped(self, name: str) -> None:
        environ = asked(headers=[(name, "6.6.6.6")])
        assert [key for key, value in environ.items() if value == "6.6.6.6"] == []

    def test_the_true_one_stays(self) -> None:
        environ = asked(headers=[("X-Real-IP", "1.1.1.1"), ("X_Real_IP", "6.6.6.6")])
        assert environ["HTTP_X_REAL_IP"] == "1.1.1.1"

    def test_none_passes_for_the_proxy_of_the_system(self) -> None:
        assert "HTTP_PROXY" not in asked(headers={"Proxy": "http://6.6.6.6"})

    def test_the_host(self) -> None:
        assert asked(headers={"Host": "example.org:81"})["HTTP_HOST"] == "example.org:81"

    def test_the_host_of_the_target_counts_over_the_field(self) -> None:
        environ = asked("http://example.org/x?y", headers={"Host": "example.org"})
        assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("example.org", "/x", "y")


class TestBody:
    def test_there_is_none(self) -> None:
        recorder = Recorder()
        client(recorder).get("/")
        assert recorder.body == b""
        assert not {"CONTENT_LENGTH", "CONTENT_TYPE"} & recorder.environ.keys()

    def test_of_a_known_length(self) -> None:
        recorder = Recorder()
        client(recorder).post("/", body=b"x=1", headers={"Content-Type": "text/x"})
        assert recorder.body == b"x=1"
        assert (recorder.environ["CONTENT_LENGTH"], recorder.environ["CONTENT_TYPE"]) == ("3", "text/x")
        assert "HTTP_CONTENT_LENGTH" not in recorder.environ
        assert "HTTP_CONTENT_TYPE" not in recorder.environ

    def test_in_chunks(self) -> None:
        recorder = Recorder()
        client(recorder).post("/", body=[b"ab", b"c"])
        assert recorder.body == b"abc"
        assert recorder.environ["CONTENT_LENGTH"] == "3"
        assert "HTTP_TRANSFER_ENCODING" not in recorder.environ

    @pytest.mark.parametrize("chunked", [False, True])
    def test_past_what_is_kept_in_memory(self, *, chunked: bool) -> None:
        recorder = Recorder()
        body = bytes(range(256)) * 8192
        parts = [body[:1000], body[1000:]] if chunked else body
        client(recorder).post("/", body=parts)
        assert recorder.body == body
        assert recorder.environ["CONTENT_LENGTH"] == str(len(body))

    def test_it_is_a_file(self) -> None:
        lines: list[Any] = []

        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            body = environ["wsgi.input"]
            lines.extend([body.read(2), body.readline(), body.readlines(), body.read(1)])
            start_response("200 OK", [TEXT])
            return [b""]

        client(application).post("/", body=b"abc\nd\ne")
        assert lines == [b"ab", b"c\n", [b"d\n", b"e"], b""]


class TestServer:
    def test_the_entries_of_the_server(self) -> None:
        environ = asked("/x?a=%20&b=caf%C3%A9")
        assert environ["REQUEST_METHOD"] == "GET"
        assert environ["QUERY_STRING"] == "a=%20&b=caf%C3%A9"
        assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "80")
        assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("127.0.0.1", "50000")
        assert environ["wsgi.version"] == (1, 0)
        assert environ["wsgi.url_scheme"] == "http"
        assert environ["wsgi.multithread"] is True
        assert environ["wsgi.multiprocess"] is False
        assert environ["wsgi.run_once"] is False
        assert environ["wsgi.input_terminated"] is True

    def test_of_a_secure_connection(self) -> None:
        recorder = Recorder()
        client(recorder, secure=True).get("/")
        assert recorder.environ["wsgi.url_scheme"] == "https"

    def test_the_client_by_a_trusted_proxy(self) -> None:
        recorder = Recorder()
        app = App(proxies=TrustedProxies(["127.0.0.1"], headers="x-forwarded", host=True))
        app.mount("/", wsgi(validated(recorder)))
        reported = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.org"}
        assert Client(app).get("/", headers=reported).status == 200
        environ = recorder.environ
        assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("192.0.2.7", "https")
        assert environ["HTTP_HOST"] == "example.org"

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_any_method(self, method: str) -> None:
        assert asked(method=method)["REQUEST_METHOD"] == method

    @pytest.mark.parametrize(
        ("host", "secure", "name", "port"),
        [
            ("example.org", False, "example.org", "80"),
            ("example.org", True, "example.org", "443"),
            ("example.org:81", False, "example.org", "81"),
            ("[::1]", False, "[::1]", "80"),
            ("[::1]:81", False, "[::1]", "81"),
            ("example.org:000081", False, "example.org", "81"),
            (f"example.org:{'0' * 5000}81", False, "example.org", "81"),
            ("example.org:", True, "example.org", "443"),
            ("[v1.a:b]", False, "[v1.a:b]", "80"),
            ("[v1.a:b]:81", False, "[v1.a:b]", "81"),
            ("", False, "localhost", "80"),
        ],
    )
    def test_on_a_unix_socket(self, *, host: str, secure: bool, name: str, port: str) -> None:
        environ = make_environ(fake_request(host, secure=secure), {}, BytesIO(), None)
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)
        assert environ["REMOTE_ADDR"] == ""
        assert "REMOTE_PORT" not in environ
        assert environ.get("HTTP_HOST", "") == host


def fake_request(host: str, *, secure: bool) -> Any:
    """A request over a UNIX socket."""
    return SimpleNamespace(
        client="",
        has_body=False,
        host=host,
        http_version="1.0",
        isSecure=lambda: secure,
        method="GET",
        postpath=[""],
        query_string=b"",
        raw_headers=list,
        raw_path=b"/",
        scheme="https" if secure else "http",
        server="/run/app.sock",
        target=b"/",
    )
