"""TrustedProxies, and how an app uses what a proxy reports."""

from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from ropewalk import App, Request, TrustedProxies
from ropewalk.errors import StartError
from ropewalk.testing import Client

FORGED = {
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "example.com",
    "forwarded": "for=203.0.113.8;proto=https;host=example.org",
}


def asked(proxies: TrustedProxies | None, headers: dict[str, str]) -> dict[str, Any]:
    """Return what a handler reads from a request that 127.0.0.1 sends."""
    app = App(proxies=proxies)

    @app.get("/where")
    def where(request: Request) -> dict[str, Any]:
        return {
            "client": request.client,
            "peer": request.peer,
            "scheme": request.scheme,
            "secure": request.isSecure(),
            "host": request.host,
            "url": request.url,
            "headers": request.headers["x-forwarded-for"],
        }

    seen: dict[str, Any] = Client(app).get("/where?a=b", headers=headers).json()
    return seen


class TestBelief:
    @pytest.mark.parametrize("proxies", [None, TrustedProxies(["192.0.2.1"], headers="x-forwarded")])
    def test_no_other_peer_is_trusted(self, proxies: TrustedProxies | None) -> None:
        seen = asked(proxies, FORGED)
        assert seen["client"] == seen["peer"]
        assert (seen["scheme"], seen["secure"]) == ("http", False)
        assert seen["host"] not in ("example.com", "example.org")
        assert seen["headers"] == "203.0.113.9"

    def test_x_forwarded(self) -> None:
        seen = asked(TrustedProxies(["127.0.0.1"], headers="x-forwarded"), FORGED)
        assert seen["client"] == ["203.0.113.9", 0]
        assert seen["peer"][0] == "127.0.0.1"
        assert (seen["scheme"], seen["secure"]) == ("https", True)

    def test_x_forwarded_host_only_where_it_is_asked_for(self) -> None:
        """Most proxies set only X-Forwarded-For and X-Forwarded-Proto, and forward X-Forwarded-Host unchanged."""
        inside = FORGED | {"host": "inside"}
        for host, url in ((False, "https://inside/where?a=b"), (True, "https://example.com/where?a=b")):
            assert asked(TrustedProxies(["127.0.0.1"], headers="x-forwarded", host=host), inside)["url"] == url

    def test_forwarded(self) -> None:
        seen = asked(TrustedProxies(["127.0.0.0/8"], headers="forwarded"), FORGED)
        assert (seen["client"], seen["url"]) == (["203.0.113.8", 0], "https://example.org/where?a=b")

    def test_a_client_that_is_not_reported(self) -> None:
        proxies = TrustedProxies(["127.0.0.1"], headers="x-forwarded")
        assert asked(proxies, {"x-forwarded-for": "unknown"})["client"] is None


class TestOptions:
    def test_addresses_are_kept_in_their_canonical_form(self) -> None:
        proxies = TrustedProxies(["10.0.0.0/255.0.0.0", "2001:DB8:0::1", "unix"], headers="forwarded")
        assert proxies.addresses == ("10.0.0.0/8", "2001:db8::1", "unix")

    def test_one_address_may_stand_alone(self) -> None:
        assert TrustedProxies("127.0.0.1", proxy_protocol=True).addresses == ("127.0.0.1",)

    def test_objects_of_ipaddress(self) -> None:
        """A network is one entry, although Python would iterate over all its addresses."""
        assert TrustedProxies(ip_network("10.0.0.0/8"), headers="forwarded").addresses == ("10.0.0.0/8",)
        several = (ip_address("::1"), ip_network("2001:db8::/32"), "192.0.2.1")
        assert TrustedProxies(iter(several), headers="forwarded").addresses == ("::1", "2001:db8::/32", "192.0.2.1")

    @pytest.mark.parametrize(
        "address",
        ["localhost", "10.0.0.1/8", "", "10.0.0.0/33", "fe80::1%eth0", "127.0.0.1:80", ip_interface("10.0.0.1/8")],
    )
    def test_what_is_no_address(self, address: Any) -> None:
        with pytest.raises(StartError, match=f"^RW402 '{address}' is not the address of a proxy: .* Name addresses or"):
            TrustedProxies([address], headers="forwarded")

    @pytest.mark.parametrize("addresses", [5, None, b"127.0.0.1", [5], [["::1"]], {"::1": "unix", 5: ""}])
    def test_what_is_of_another_type(self, addresses: Any) -> None:
        with pytest.raises(
            StartError, match=r"^RW402 .* is not the address of a proxy: it is neither a str nor an object of"
        ):
            TrustedProxies(addresses, headers="forwarded")

    def test_no_proxies(self) -> None:
        with pytest.raises(StartError, match="^RW402 The list of trusted proxies is empty"):
            TrustedProxies([], headers="forwarded")

    def test_nothing_to_say(self) -> None:
        with pytest.raises(StartError, match='^RW402 The proxies at ::1 .* Set headers="x-forwarded"'):
            TrustedProxies(["::1"])

    @pytest.mark.parametrize("headers", ["x-real-ip", "Forwarded", ["forwarded"], "", True])
    def test_fields_that_are_none(self, headers: Any) -> None:
        with pytest.raises(
            StartError,
            match='headers of TrustedProxies cannot be .* Set headers="x-forwarded" or headers="forwarded".$',
        ):
            TrustedProxies(["::1"], headers=headers)

    @pytest.mark.parametrize("options", [{"host": "yes"}, {"host": None}, {"proxy_protocol": 1}])
    def test_switches_that_are_none(self, options: Any) -> None:
        with pytest.raises(StartError, match="of TrustedProxies cannot be .* Set True or False.$"):
            TrustedProxies(["::1"], **({"headers": "x-forwarded"} | options))

    @pytest.mark.parametrize("options", [{"headers": "forwarded"}, {"proxy_protocol": True}])
    def test_a_host_without_its_family(self, options: Any) -> None:
        with pytest.raises(StartError, match="^RW402 X-Forwarded-Host .* Leave host out"):
            TrustedProxies(["::1"], host=True, **options)
