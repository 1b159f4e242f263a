"""Valid tokens, and tokens of attackers."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.unit.auth.conftest import ADA, User, basic, check_user
from tests.unit.auth.tokens import (
    AUDIENCE,
    CLAIMS,
    ED448,
    ED25519,
    ISSUER,
    NOW,
    OTHER_RSA,
    P_256,
    P_384,
    P_521,
    RSA,
    SECRET,
    bearer,
    part,
    pem,
    public,
    secret_key,
    token,
)
from tests.unit.conftest import Log

from ropewalk import App, Request
from ropewalk.auth import (
    JWKS,
    BasicAuth,
    BearerJWT,
    BearerJWTOptions,
    TokenPrincipal,
    authenticate,
    principal_of,
    requires,
)
from ropewalk.errors import HandlerError
from ropewalk.testing import Client

DER = b64decode(b"".join(pem(RSA).splitlines()[1:-1]))
INVALID = 'Bearer realm="app", error="invalid_token", error_description="The token is invalid"'
EXPIRED = 'Bearer realm="app", error="invalid_token", error_description="The token has expired"'


def scheme(keys: Any, **options: Any) -> BearerJWT:
    given = {"issuer": ISSUER, "audience": AUDIENCE, **options}
    return BearerJWT(BearerJWTOptions(keys=keys, **given), clock=lambda: NOW)


def client_for(keys: Any, **options: Any) -> Client:
    app = App(middleware=[authenticate(scheme(keys, **options))])

    @app.get("/")
    def me(request: Request) -> str:
        return str(principal_of(request, TokenPrincipal).subject)

    return Client(app)


def responses(client: Client, *tokens: str) -> list[tuple[int, str | None]]:
    found = [client.get("/", headers=bearer(each)) for each in tokens]
    return [(each.status, each.headers.get("www-authenticate")) for each in found]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_secrets(algorithm: str) -> None:
    assert client_for(SECRET).get("/", headers=bearer(token(secret_key(), algorithm))).text == "ada"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *((RSA, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (P_256, "ES256"),
        (P_384, "ES384"),
        (P_521, "ES512"),
        (ED25519, "EdDSA"),
        (ED448, "EdDSA"),
        (ED25519, "Ed25519"),
    ],
)
def test_public_keys(key: Any, algorithm: str, log: Log) -> None:
    for keys in (pem(key), pem(key).decode(), public(key), (public(OTHER_RSA), public(key, kid="1"))):
        client = client_for(keys)
        assert client.get("/", headers=bearer(token(key, algorithm, kid="1"))).text == "ada"
        assert responses(client, token(key, algorithm)[:-8] + "AAAAAAAA") == [(401, INVALID)]
    assert log == []


class TestAttacks:
    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
    @pytest.mark.parametrize("keys", [SECRET, pem(RSA)])
    def test_no_signature(self, algorithm: str, keys: Any, log: Log) -> None:
        signed = f"{part({'alg': algorithm})}.{part(CLAIMS)}"
        found = responses(client_for(keys), f"{signed}.", f"{signed}.AAAA", signed)
        assert found == [(401, INVALID)] * 3
        assert log == []

    def test_a_public_key_as_a_secret(self, log: Log) -> None:
        """A key confusion attack: the attacker uses the public key as the secret of an HMAC."""
        written = pem(RSA)
        forms = [written, written.strip(), written + b"\n", json.dumps(public(RSA)).encode()]
        for keys in (written, public(RSA), (SECRET, written)):
            attacks = [token(form, "HS256", kid=kid) for form in forms for kid in ("1", "")]
            assert set(responses(client_for(keys), *attacks)) == {(401, INVALID)}
        assert log == []

    def test_the_algorithm_of_another_type(self) -> None:
        client = client_for((public(P_256, kid="1"), public(RSA, kid="2")))
        ours = token(RSA, "RS256", kid="1")
        assert responses(client, ours) == [(401, INVALID)]
        es = ECKey.generate_key("P-256")
        assert responses(client, token(es, "ES256", kid="1"), token(es, "ES256", kid="2")) == [(401, INVALID)] * 2

    def test_algorithms_that_are_not_allowed(self) -> None:
        assert responses(client_for(pem(RSA), algorithms=("PS256",)), token(RSA, "RS256")) == [(401, INVALID)]
        assert responses(client_for(public(RSA, alg="RS512")), token(RSA, "RS256")) == [(401, INVALID)]
        assert responses(client_for(public(RSA, alg="RS512")), token(RSA, "RS512")) == [(200, None)]

    def test_keys_that_the_token_brings(self) -> None:
        headers: list[dict[str, Any]] = [
            {"jwk": public(OTHER_RSA)},
            {"jku": "http://127.0.0.1:1/keys"},
            {"x5u": "http://127.0.0.1:1/keys"},
        ]
        client = client_for(pem(RSA))
        assert responses(client, *(token(OTHER_RSA, "RS256", **each) for each in headers)) == [(401, INVALID)] * 3

    def test_critical_extensions(self) -> None:
        client = client_for(SECRET)
        assert responses(client, token(secret_key(), "HS256", crit=["b64"], b64=False)) == [(401, INVALID)]
        assert responses(client, token(secret_key(), "HS256", crit=[])) == [(401, INVALID)]

    @pytest.mark.parametrize("header", [{"kid": 3}, {"kid": ["1"]}, {"typ": 3}, {"typ": "secevent+jwt"}])
    def test_wrong_headers(self, header: dict[str, Any], log: Log) -> None:
        assert responses(client_for(SECRET), token(secret_key(), "HS256", **header)) == [(401, INVALID)]
        assert log == []

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
    def test_accepted_types(self, typ: str) -> None:
        assert responses(client_for(SECRET), token(secret_key(), "HS256", typ=typ)) == [(200, None)]

    @pytest.mark.parametrize(
        "written",
        [
            "a",
            "a.b",
            "a.b.c",
            "a.b.c.d.e",
            "..",
            "=.=.=",
            f"{part({'alg': 'HS256'})}.{part(CLAIMS)}.é",
            f"{part(b'{')}.{part(CLAIMS)}.AAAA",
            f"{part([])}.{part(CLAIMS)}.AAAA",
            f"{part({'alg': ['HS256']})}.{part(CLAIMS)}.AAAA",
            f"{part(b'[' * 5000)}.{part(CLAIMS)}.AAAA",
            f"{part(bytes([0xFF, 0xFE]))}.{part(CLAIMS)}.AAAA",
            "A" * 30_000,
            f"{part({'alg': 'HS256'})}.{'A' * 20_000}.AAAA",
            "a b",
            "a.b.c, Bearer a.b.c",
        ],
    )
    def test_malformed(self, written: str, log: Log) -> None:
        assert responses(client_for(SECRET), written) == [(401, INVALID)]
        assert log == []

    @pytest.mark.parametrize("claims", [b"[" * 5000, b"{", b"[]", b'"a"', b"\xff", b'{"exp": 1e999}'])
    def test_malformed_claims(self, claims: bytes, log: Log) -> None:
        assert responses(client_for(SECRET), token(secret_key(), "HS256", claims)) == [(401, INVALID)]
        assert log == []

    def test_a_token_over_the_limit(self) -> None:
        long = token(secret_key(), "HS256", {"more": "x" * 9000})
        assert responses(client_for(SECRET), long) == [(401, INVALID)]
        assert responses(client_for(SECRET, token_limit=20_000), long) == [(200, None)]

    def test_no_token_and_two_fields(self, log: Log) -> None:
        client = client_for(SECRET)
        request = 'Bearer realm="app", error="invalid_request"'
        good = bearer(token(secret_key(), "HS256"))["Authorization"]
        assert responses(client, "") == [(400, request)]
        twice = client.get("/", headers=[("Authorization", good), ("Authorization", good)])
        assert (twice.status, twice.headers["www-authenticate"]) == (400, request)
        absent = client.get("/")
        assert (absent.status, absent.headers["www-authenticate"]) == (401, 'Bearer realm="app"')
        assert log == []


class TestClaims:
    def test_times(self) -> None:
        client = client_for(SECRET)
        key = secret_key()
        valid: list[dict[str, Any]] = [{"exp": NOW - 29}, {"nbf": NOW + 30}, {"iat": NOW}, {"exp": NOW + 0.5}]
        assert responses(client, *(token(key, "HS256", each) for each in valid)) == [(200, None)] * 4
        assert responses(client, token(key, "HS256", {"exp": NOW - 30})) == [(401, EXPIRED)]
        invalid: list[dict[str, Any]] = [
            {"nbf": NOW + 31},
            {"iat": NOW + 31},
            {"exp": None},
            {"exp": "2030"},
            {"exp": True},
            {"exp": 10**400},
            {"exp": float("nan")},
            {"nbf": [1]},
        ]
        assert responses(client, *(token(key, "HS256", each) for each in invalid)) == [(401, INVALID)] * 8
        none = token(key, "HS256", json.dumps({**CLAIMS, "nbf": None}).encode())
        assert responses(client, none) == [(401, INVALID)]

    def test_leeway(self) -> None:
        assert responses(client_for(SECRET, leeway=0), token(secret_key(), "HS256", {"exp": NOW})) == [(401, EXPIRED)]

    def test_the_issuer(self) -> None:
        values: list[Any] = ["https://evil.example", f"{ISSUER}/", None, [ISSUER], {}, ""]
        wrong = [{"iss": each} for each in values]
        tokens = [token(secret_key(), "HS256", each) for each in wrong]
        assert responses(client_for(SECRET), *tokens) == [(401, INVALID)] * 6
        assert responses(client_for(SECRET, issuer=("a", ISSUER)), token(secret_key(), "HS256")) == [(200, None)]
        assert responses(client_for(SECRET, issuer=None), *tokens) == [(200, None)] * 6

    def test_the_audience(self) -> None:
        values: list[Any] = ["bank", "hotels", None, ["bank"], [], [[AUDIENCE]], {AUDIENCE: 1}, ""]
        wrong = [{"aud": each} for each in values]
        tokens = [token(secret_key(), "HS256", each) for each in wrong]
        assert responses(client_for(SECRET), *tokens) == [(401, INVALID)] * 8
        right = token(secret_key(), "HS256", {"aud": ["bank", AUDIENCE]})
        assert responses(client_for(SECRET), right) == [(200, None)]
        assert responses(client_for(SECRET, audience=("spa", AUDIENCE)), right) == [(200, None)]
        assert responses(client_for(SECRET, audience=None), *tokens) == [(200, None)] * 8

    def test_required(self) -> None:
        client = client_for(SECRET, required=("exp", "jti"))
        assert responses(client, token(secret_key(), "HS256")) == [(401, INVALID)]
        assert responses(client, token(secret_key(), "HS256", {"jti": "1"})) == [(200, None)]


class TestAccess:
    def test_scopes_and_roles(self) -> None:
        app = App(middleware=[authenticate(scheme(SECRET))])
        app.get("/rooms")(requires("rooms:read")(lambda request: "rooms"))
        app.get("/change")(requires("rooms:read", "rooms:write")(lambda request: "changed"))
        app.get("/clerks")(requires(role="clerk")(lambda request: "clerks"))
        client = Client(app)
        given = bearer(token(secret_key(), "HS256", {"roles": ["clerk"]}))
        assert client.get("/rooms", headers=given).text == "rooms"
        assert client.get("/clerks", headers=given).text == "clerks"
        refused = client.get("/change", headers=given)
        assert refused.status == 403
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="app", error="insufficient_scope", scope="rooms:read rooms:write"'
        )
        assert client.get("/clerks", headers=bearer(token(secret_key(), "HS256"))).status == 403
        assert (
            client.get("/rooms", headers=bearer(token(secret_key(), "HS256", {"scope": {"rooms:read": False}}))).status
            == 403
        )

    def test_a_loaded_principal(self) -> None:
        async def load(claims: dict[str, Any]) -> User | None:
            return {"ada": ADA, "eve": User("eve", frozenset({"other"}))}.get(claims["sub"])

        app = App(middleware=[authenticate(scheme(SECRET, load=load))])
        app.get("/read")(requires("rooms:read", role="clerk")(lambda request: principal_of(request, User).name))
        app.get("/write")(requires("rooms:write")(lambda request: "written"))
        client = Client(app)
        given = bearer(token(secret_key(), "HS256"))
        assert client.get("/read", headers=given).text == "ada"
        assert client.get("/write", headers=given).status == 403  # ada has the scope, but the token does not
        whole = bearer(token(secret_key(), "HS256", {"scope": None}))
        assert client.get("/write", headers=whole).text == "written"
        assert client.get("/read", headers=bearer(token(secret_key(), "HS256", {"sub": "eve"}))).status == 403
        unknown = client.get("/read", headers=bearer(token(secret_key(), "HS256", {"sub": "bob"})))
        assert (unknown.status, unknown.headers["www-authenticate"]) == (401, INVALID)

    def test_beside_basic_and_another_issuer(self) -> None:
        other = scheme(pem(RSA), issuer="https://other.example")
        app = App(middleware=[authenticate(BasicAuth(check_user), scheme(SECRET), other)])
        app.get("/")(lambda request: "in")
        client = Client(app)
        for given in (
            basic("ada", "s3cret"),
            bearer(token(secret_key(), "HS256")),
            bearer(token(RSA, "RS256", {"iss": "https://other.example"})),
        ):
            assert client.get("/", headers=given).text == "in"
        assert client.get("/", headers=bearer(token(RSA, "RS256"))).status == 401
        wanted = 'Basic realm="app", charset="UTF-8", Bearer realm="app"'
        assert client.get("/").headers["www-authenticate"] == wanted


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ("short", {}),
        (b"", {}),
        ((), {}),
        (3, {}),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", {}),
        ({"kty": "RSA", "n": "AAAA"}, {}),
        ({"kty": "oct", "k": "AAAA"}, {}),
        (DER, {}),
        (b64encode(DER), {}),
        (b64encode(DER).decode() + "\n", {}),
        (json.dumps(public(RSA)), {}),
        (public(RSA, use="enc"), {}),
        (public(RSA, key_ops=["encrypt"]), {}),
        (public(RSA, alg="HS256"), {}),
        (public(ECKey.generate_key("secp256k1")), {}),
        (SECRET, {"algorithms": ("none",)}),
        (JWKS(url="https://issuer.example/keys"), {"algorithms": ("none",)}),
        (JWKS(url="https://issuer.example/keys"), {"algorithms": ("RS256", 3)}),
        (SECRET, {"algorithms": ("ES256K",)}),
        (SECRET, {"algorithms": ("RS256",)}),
        (SECRET, {"algorithms": ()}),
        (SECRET, {"algorithms": "HS256"}),
        (SECRET[:32], {"algorithms": ("HS512",)}),
    ],
)
def test_keys_and_algorithms_that_cannot_be_used(keys: Any, options: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="RW240|RW376"):
        scheme(keys, **options)


def test_description() -> None:
    assert scheme(SECRET).openapi() == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
