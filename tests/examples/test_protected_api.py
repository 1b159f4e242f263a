"""An API behind the ready-made middleware."""

from protected_api import app
from ropewalk.testing import Client

client = Client(app, headers={"host": "api.example.com"})
APP = {"origin": "https://app.example.com"}


def test_another_host_is_refused() -> None:
    assert client.get("/guests/1", headers={"host": "evil.test"}).status == 421


def test_a_script_of_the_app_may_read_the_tag() -> None:
    response = client.get("/guests/1", headers=APP)
    assert response.headers["access-control-allow-origin"] == APP["origin"]
    assert response.headers["access-control-expose-headers"] == "etag"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert len(response.headers["x-request-id"]) == 32


def test_its_preflight_is_allowed() -> None:
    headers = {**APP, "access-control-request-method": "PUT", "access-control-request-headers": "if-match"}
    response = client.request("OPTIONS", "/guests/1", headers=headers)
    assert response.status == 204
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_copy_that_is_current_is_not_sent_again() -> None:
    response = client.get("/guests/1")
    assert response.headers["cache-control"] == "private, max-age=0, no-cache"
    assert client.get("/guests/1", headers={"if-none-match": response.headers["etag"]}).status == 304


def test_a_change_needs_the_current_version() -> None:
    before = client.get("/guests/1").headers["etag"]
    change = {"name": "Ada L."}
    assert client.put("/guests/1", json=change).status == 428
    assert client.put("/guests/1", json=change, headers={"if-match": '"old"'}).status == 412
    after = client.put("/guests/1", json=change, headers={"if-match": before})
    assert after.json() == change
    assert client.get("/guests/1").headers["etag"] == after.headers["etag"]
    assert client.put("/guests/1", json={"name": "x" * 70000}, headers={"if-match": before}).status == 413


def test_one_route_may_be_kept() -> None:
    assert client.get("/logo").headers["cache-control"] == "public, max-age=86400, immutable"
