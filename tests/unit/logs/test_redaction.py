"""Secrets in log lines."""

from typing import Any

import pytest

from ropewalk.logs import REDACTED, SECRETS, Redaction


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "password",
            "Authorization",
            "proxy-authorization",
            "Set-Cookie",
            "apiKey",
            "X-API-KEY",
            "access_token",
            "p-w_d",
            "csrf",
            "DATABASE_URL",
            "max_tokens_secret",
            "tokens",
            "output_token",
        ],
    )
    def test_secret(self, name: str) -> None:
        assert Redaction().is_secret(name)

    @pytest.mark.parametrize("name", ["", "path", "pass", "author", "key", "tok", "\xe9", "code"])
    def test_not_secret(self, name: str) -> None:
        assert not Redaction().is_secret(name)

    @pytest.mark.parametrize(
        "name", ["max_tokens", "maxTokens", "prompt-tokens", "token_count", "token_type", "tokenizer", "max_new_tokens"]
    )
    def test_numbers_of_tokens(self, name: str) -> None:
        assert not Redaction().is_secret(name)
        assert Redaction(("max_tokens", "token")).is_secret(name)

    def test_own_names(self) -> None:
        redaction = Redaction((*SECRETS, "IBAN"))
        assert redaction.is_secret("customer_iban")
        assert redaction.is_secret("token")

    @pytest.mark.parametrize("names", [(), ("",), ("_",)])
    def test_none(self, names: tuple[str, ...]) -> None:
        redaction = Redaction(names)
        assert not redaction.is_secret("token")
        assert redaction.of_text("/?token=a") == "/?token=a"
        assert redaction.of_value("token", ["a"]) == ["a"]


class TestText:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("GET /?token=a HTTP/1.1", f"GET /?token={REDACTED} HTTP/1.1"),
            ("/?a=1&Api-Key=b;c=3#d", f"/?a=1&Api-Key={REDACTED};c=3#d"),
            ("/?%74oken=a", f"/?%74oken={REDACTED}"),
            ("'/?token=a' and \"/?token=b\"", f"'/?token={REDACTED}' and \"/?token={REDACTED}\""),
            ("/?token=&b=1", f"/?token={REDACTED}&b=1"),
            ("token=a", "token=a"),
            ("/?a=token", "/?a=token"),
            ("why? a=b", "why? a=b"),
            ("/cb#access_token=a&b=1", f"/cb#access_token={REDACTED}&b=1"),
            ("/cb?a=1#id_token=b", f"/cb?a=1#id_token={REDACTED}"),
            ("redis://:a@b:6379/0, then", f"redis://:{REDACTED}@b:6379/0, then"),
            ("no 'http://ada:a:c@b/d:e@f'", f"no 'http://ada:{REDACTED}@b/d:e@f'"),
            ("http://ada@b:80/c", "http://ada@b:80/c"),
            ("http://b:80/c@d", "http://b:80/c@d"),
            ("mailto:ada@b", "mailto:ada@b"),
        ],
    )
    def test_query_parameters(self, text: str, shown: str) -> None:
        assert Redaction().of_text(text) == shown


class TestValues:
    @pytest.mark.parametrize(
        ("name", "value", "shown"),
        [
            ("token", "a", REDACTED),
            ("token", 1, REDACTED),
            ("token", None, None),
            ("url", "/?token=a", f"/?token={REDACTED}"),
            ("user", {"name": "ada", "password": "x"}, {"name": "ada", "password": REDACTED}),
            ("users", [{"secret": 1}, ({"secret": 2},)], [{"secret": REDACTED}, [{"secret": REDACTED}]]),
            ("count", 3, 3),
        ],
    )
    def test_of_fields(self, name: str, value: Any, shown: Any) -> None:
        assert Redaction().of_value(name, value) == shown

    def test_a_cycle_ends(self) -> None:
        cycle: dict[str, Any] = {"secret": 1}
        cycle["self"] = cycle
        assert Redaction().of_value("a", cycle)["self"]["secret"] == REDACTED
        assert cycle["secret"] == 1
