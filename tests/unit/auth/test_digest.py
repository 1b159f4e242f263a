"""Digest (RFC 7616): proofs, nonces, replay, and checkers of twisted.cred."""

import hashlib
import re
import time
from typing import Any

import pytest
from tests.unit.auth.conftest import ADA, USERS, User
from tests.unit.auth.test_cred import IGuest, Realm, users
from tests.unit.conftest import Log
from twisted.cred.checkers import FilePasswordDB
from twisted.cred.portal import Portal

from ropewalk import App, OpenAPI, Request
from ropewalk.auth import DigestAuth, DigestAuthOptions, DigestUser, authenticate, digest_hash, requires
from ropewalk.auth.digest import nonces
from ropewalk.auth.digest.hashes import proof
from ropewalk.auth.digest.nonces import Nonces
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


def find(name: str) -> DigestUser | None:
    password, user = USERS.get(name, ("", None))
    return None if user is None else DigestUser(principal=user, password=password)


class Browser:
    """A client that keeps its nonce and counts its requests, as browsers do."""

    def __init__(
        self, scheme: DigestAuth, name: str = "ada", password: str = "s3cret", algorithm: str = "SHA-256"
    ) -> None:
        app = App(middleware=[authenticate(scheme)])

        @app.get("/")
        @app.post("/")
        def me(request: Request) -> str:
            principal = request.state.authentication.principal
            return principal.decode() if isinstance(principal, bytes) else str(principal.name)

        app.get("/rooms")(requires("rooms:write")(lambda request: "rooms"))
        self.client = Client(app)
        self.name, self.password = name, password
        self.algorithm = algorithm
        self.count = 0
        self.nonce = self.challenge(self.client.get("/"))["nonce"]

    def challenge(self, response: Any) -> dict[str, str]:
        assert response.status == 401
        written = response.headers["www-authenticate"]
        found = [
            {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ",]+))', each)}
            for each in written.split("Digest ")[1:]
        ]
        return next(each for each in found if each["algorithm"] == self.algorithm)

    def fields(self, method: str = "GET", uri: str = "/", **changes: Any) -> dict[str, str]:
        self.count += 1
        given = {
            "username": self.name,
            "realm": "app",
            "nonce": self.nonce,
            "uri": uri,
            "qop": "auth",
            "nc": f"{self.count:08x}",
            "cnonce": "c1",
            "algorithm": self.algorithm,
            **changes,
        }

        def digest(text: str) -> str:
            return HASHES[self.algorithm](text.encode()).hexdigest()

        user = digest(f"{self.name}:{given['realm']}:{self.password}")
        parts = (user, given["nonce"], given["nc"], given["cnonce"], given["qop"], digest(f"{method}:{uri}"))
        return {"response": digest(":".join(map(str, parts))), **given}

    def written(self, fields: dict[str, str]) -> dict[str, str]:
        plain = ("nc", "qop", "algorithm")
        lines = [f"{name}={value}" if name in plain else f'{name}="{value}"' for name, value in fields.items()]
        return {"Authorization": f"Digest {', '.join(lines)}".encode().decode("latin-1")}

    def get(self, uri: str = "/", method: str = "GET", **changes: Any) -> Any:
        return self.client.request(method, uri, headers=self.written(self.fields(method, uri, **changes)))


@pytest.fixture
def browser() -> Browser:
    return Browser(DigestAuth(find))


def test_the_examples_of_the_rfc() -> None:
    """Our function computes the same proofs as the examples of RFC 7616, section 3.9.1."""
    fields = {
        "uri": "/dir/index.html",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    }
    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        user = digest_hash("Mufasa", "http-auth@example.org", "Circle of Life", algorithm)
        assert proof(algorithm, user, "GET", fields) == response


def test_the_challenge(log: Log) -> None:
    scheme = DigestAuth(find, options=DigestAuthOptions(algorithms=("SHA-256", "MD5")), realm="hotel")
    app = App(middleware=[authenticate(scheme)])
    response = Client(app).get("/")
    nonce = r'nonce="[\w=-]{44}"'
    assert response.status == 401
    assert re.fullmatch(
        rf'Digest realm="hotel", {nonce}, qop="auth", charset=UTF-8, algorithm=SHA-256, '
        rf'Digest realm="hotel", {nonce}, qop="auth", charset=UTF-8, algorithm=MD5',
        response.headers["www-authenticate"],
    )
    assert log == []


def test_requests_of_one_nonce(browser: Browser, log: Log) -> None:
    assert [browser.get().text for _ in range(3)] == ["ada"] * 3
    assert browser.get(method="POST").text == "ada"
    assert browser.get("/?a=b%2F&c").text == "ada"
    assert browser.get(method="HEAD").status == 200
    assert browser.get("/rooms").text == "rooms"
    bob = Browser(DigestAuth(find), "bob", "hunter2")
    assert bob.get("/rooms").status == 403
    assert log == []


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_algorithms_and_stored_hashes(algorithm: str) -> None:
    async def stored(name: str) -> DigestUser | None:
        hashed = digest_hash("zoë", "app", "a:b", algorithm)
        return DigestUser(principal=User("zoë"), hashes={algorithm: hashed}) if name == "zoë" else None

    scheme = DigestAuth(stored, options=DigestAuthOptions(algorithms=("SHA-256", "MD5")))
    browser = Browser(scheme, "zoë", "a:b", algorithm)
    assert browser.get().status == 200
    other = "MD5" if algorithm == "SHA-256" else "SHA-256"
    browser.algorithm = other
    assert browser.get().status == 401


def test_an_algorithm_that_was_not_offered(browser: Browser) -> None:
    browser.algorithm = "MD5"
    assert browser.get().status == 401


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("eve", ""), ("eve", "s3cret"), ("", "")])
def test_wrong_passwords(name: str, password: str, log: Log) -> None:
    browser = Browser(DigestAuth(find), name, password)
    response = browser.get()
    assert response.status == 401
    assert "stale" not in response.headers["www-authenticate"]
    assert log == []


def test_a_request_is_accepted_once(browser: Browser) -> None:
    headers = browser.written(browser.fields())
    assert browser.client.get("/", headers=headers).status == 200
    replayed = browser.client.get("/", headers=headers)
    assert replayed.status == 401
    assert "stale=true" in replayed.headers["www-authenticate"]
    assert browser.get().status == 200


def test_parallel_requests_overtake_each_other(browser: Browser) -> None:
    sent = [browser.written(browser.fields()) for _ in range(5)]
    statuses = [browser.client.get("/", headers=sent[place]).status for place in (2, 0, 4, 1, 3, 0, 4, 2)]
    assert statuses == [200] * 5 + [401] * 3


def test_a_nonce_expires() -> None:
    now = time.time()
    scheme = DigestAuth(find, clock=lambda: now)
    browser = Browser(scheme)
    assert browser.get().status == 200
    now += 301
    stale = browser.get()
    challenge = browser.challenge(stale)
    assert challenge["stale"] == "true"
    wrong = Browser(scheme, password="wrong")
    now += 301
    assert "stale" not in wrong.get().headers["www-authenticate"]
    browser.nonce, browser.count = browser.challenge(browser.client.get("/"))["nonce"], 0
    assert browser.get().status == 200


@pytest.mark.parametrize("nonce", ["x", "", "AAAA" * 11, "é" * 44, "A" * 5000])
def test_nonces_that_are_not_ours(browser: Browser, nonce: str) -> None:
    response = browser.get(nonce=nonce)
    assert response.status == (401 if nonce else 400)
    assert browser.get(nonce=Browser(DigestAuth(find)).nonce).status == 401


def test_a_shared_secret() -> None:
    options = DigestAuthOptions(secret=b"s" * 32)
    first, second = Browser(DigestAuth(find, options=options)), Browser(DigestAuth(find, options=options))
    assert second.get(nonce=first.nonce).status == 200
    other_realm = Browser(DigestAuth(find, options=options, realm="app2"))
    assert first.get(nonce=other_realm.nonce).status == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"realm": "other"}, 401),
        ({"uri": "/rooms"}, 400),
        ({"uri": "/?x"}, 400),
        ({"uri": "http://testserver/"}, 400),
        ({"qop": "auth-int"}, 400),
        ({"qop": ""}, 400),
        ({"nc": ""}, 400),
        ({"nc": "1"}, 400),
        ({"nc": "0000000g"}, 400),
        ({"nc": "00000000"}, 401),
        ({"cnonce": ""}, 400),
        ({"response": "0"}, 401),
        ({"response": ""}, 400),
        ({"response": "é"}, 401),
        ({"userhash": "true"}, 400),
        ({"algorithm": "SHA-256-sess"}, 401),
        ({"algorithm": "sha-256"}, 200),
        ({"username": "eve"}, 401),
        ({"username*": "UTF-8''ada"}, 400),
    ],
    ids=repr,
)
def test_fields(browser: Browser, change: dict[str, str], status: int, log: Log) -> None:
    fields = browser.fields()
    assert browser.client.get("/", headers=browser.written({**fields, **change})).status == status
    assert log == []


def test_another_realm(browser: Browser) -> None:
    """The hash is that of the right password, but for another realm than that of the site."""
    assert browser.get(realm="other").status == 401


def test_a_method_that_was_not_proved(browser: Browser) -> None:
    assert browser.client.post("/", headers=browser.written(browser.fields("GET"))).status == 401


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "x",
        'username="ada',
        "=",
        'username="ada" realm="app"',
        'username="ada", username="bob"',
        ",",
        "a=" + " " * 8000,
        'a="' + "\\" * 8000,
        "a=" + "b," * 4000,
        "x=" + "a" * 9000,
        'username="\xff", realm="app", nonce="n", uri="/", qop=auth, nc=00000001, cnonce="c", response="r"',
    ],
)
def test_malformed_credentials(browser: Browser, credentials: str, log: Log) -> None:
    headers = {"Authorization": f"Digest {credentials}"}
    assert browser.client.get("/", headers=headers).status == 400
    assert log == []


def test_names_in_the_extended_notation() -> None:
    browser = Browser(DigestAuth(find), "zoë", "a:b")
    fields = browser.fields()
    del fields["username"]
    headers = browser.written(fields)
    headers["Authorization"] += ", username*=utf-8''zo%C3%AB"
    assert browser.client.get("/", headers=headers).status == 200
    headers["Authorization"] = headers["Authorization"].replace("utf-8", "latin-1")
    assert browser.client.get("/", headers=headers).status == 400


def test_used_nonces_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(nonces, "MOST_USED", 3)
    kept = Nonces(b"s" * 32, "app", 300, lambda: now)
    issued = []
    for _ in range(5):
        issued.append(kept.issue())
        now += 1
    late = kept.issue()
    assert [kept.use(each, 1) for each in issued] == [True] * 5
    assert len(kept._used) == 3
    assert [kept.use(each, 1) for each in issued] == [False] * 5
    assert [kept.use(each, 2) for each in issued] == [False, False, True, True, True]
    assert kept.use(late, 1)
    now += 301
    assert not kept.use(late, 2)
    assert kept.use(kept.issue(), 1)
    assert len(kept._used) == 1


def test_counts_of_any_size() -> None:
    kept = Nonces(b"s" * 32, "app", 300, lambda: 1000.0)
    nonce = kept.issue()
    order = (1, 2**32 - 1, 2**32 - 2, 2**32 - 63, 2**32 - 64, 2**32 - 65, 1, 0, -1)
    assert [kept.use(nonce, count) for count in order] == [True, True, True, True, True, *[False] * 4]
    assert kept._used[nonce][2] < 2**64


def test_another_spelling_of_a_nonce_is_none_of_ours() -> None:
    kept = Nonces(b"s" * 32, "app", 300, lambda: 1000.0)
    nonce = kept.issue()
    for each in (f"{nonce[:5]}!{nonce[5:]}", f"{nonce}=", f"{nonce}\n", nonce.rstrip("=")):
        assert not kept.use(each, 1)
    assert kept.use(nonce, 1)


def test_checkers_of_twisted(tmp_path: Any, log: Log) -> None:
    assert Browser(DigestAuth(users())).get().text == "ada"
    assert Browser(DigestAuth(users()), password="wrong").get().status == 401
    file = tmp_path / "passwords"
    file.write_text("ada:s3cret\n")
    scheme = DigestAuth(FilePasswordDB(str(file)))
    assert Browser(scheme).get().text == "ada"
    assert Browser(scheme, "eve").get().status == 401
    assert log == []


def test_a_portal_of_twisted(log: Log) -> None:
    realm = Realm()
    browser = Browser(DigestAuth(Portal(realm, [users()]), interfaces=(IGuest,)))
    headers = browser.written(browser.fields())
    assert browser.client.get("/", headers=headers).text == "ada"
    assert realm.events == ["login ada", "logout ada"]
    replayed = browser.client.get("/", headers=headers)
    assert (replayed.status, "stale=true" in replayed.headers["www-authenticate"]) == (401, True)
    assert realm.events == ["login ada", "logout ada"]
    assert log == []


def test_wrong_arguments(tmp_path: Any) -> None:
    hashing = FilePasswordDB(str(tmp_path), hash=lambda name, password, stored: password)
    for wrong in ((), (3,), (hashing,), (find, find)):
        with pytest.raises(HandlerError, match="RW240"):
            DigestAuth(*wrong)
    for options in ({"algorithms": ()}, {"algorithms": ("SHA-1",)}, {"secret": b"short"}, {"secret": "s" * 32}):
        with pytest.raises(HandlerError, match="RW240"):
            DigestAuthOptions(**options)
    with pytest.raises(HandlerError, match="RW240"):
        digest_hash("ada", "app", "x", "SHA-1")


def test_a_function_that_returns_no_digest_user(log: Log) -> None:
    with pytest.raises(HandlerError, match="RW242"):
        Browser(DigestAuth(lambda name: ADA)).get()
    assert "RW242" in log.text


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(DigestUser(principal=1, password="s3cret"))
    assert "secret" not in repr(DigestAuthOptions())


def test_the_description_of_the_api() -> None:
    app = App(middleware=[authenticate(DigestAuth(find), optional=True)], openapi=OpenAPI(title="Hotel", version="1"))
    app.get("/rooms")(requires()(lambda request: "rooms"))
    document = Client(app).get("/openapi.json").json()
    assert document["components"]["securitySchemes"] == {"digest": {"type": "http", "scheme": "digest"}}
