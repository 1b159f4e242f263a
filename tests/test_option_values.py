"""A value of a wrong type is refused where the options are made, with a code and the place in the user's code."""

import copy
import importlib
import pickle
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cache
from pkgutil import walk_packages
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

import ropewalk
from ropewalk import Request
from ropewalk.auth import BearerJWTOptions
from ropewalk.auth.oauth.options import LoginSchemeOptions
from ropewalk.errors import HandlerError, KnownOptions, RopewalkError
from ropewalk.middleware import RateLimit
from ropewalk.sessions import SessionsOptions
from ropewalk.stores import MemorySessions
from ropewalk.typed.markers import Computed

SECRET = "s" * 32

LOGIN = {
    "client_id": "a",
    "client_secret": "b",
    "redirect_uri": "https://a.example/callback",
    "secret": SECRET,
}

NEEDED: dict[str, dict[str, Any]] = {
    "AllowedHostsOptions": {"hosts": ["a.example"]},
    "BearerJWTOptions": {"keys": SECRET, "issuer": "a", "audience": "b", "algorithms": ("HS256",)},
    "BodyLimitOptions": {"body_limit": 5},
    "CORSOptions": {"origins": ["https://a.example"]},
    "CacheHeadersOptions": {"max_age": 5},
    "JWKS": {"url": "https://a.example/keys"},
    "OAuth2LoginOptions": {
        **LOGIN,
        "authorization_url": "https://b.example/authorize",
        "token_url": "https://b.example/token",
        "userinfo_url": "https://b.example/user",
    },
    "OpenAPI": {"title": "A", "version": "1"},
    "OpenIDConnectOptions": {**LOGIN, "issuer": "https://b.example"},
    "RateLimit": {"requests": 5, "seconds": 60},
    "RateLimitOptions": {"limits": RateLimit(5, 60)},
    "SessionsOptions": {"secret": SECRET},
    "TLSOptions": {"certificate": "certificate.pem"},
    "TimeoutOptions": {"seconds": 5},
    "TokenIntrospectionOptions": {
        "url": "https://b.example/introspect",
        "client_id": "a",
        "client_secret": "b",
        "audience": "c",
    },
}
"""For each class, the arguments that it requires. Without them, the error would be about the missing argument."""

ABSTRACT = (LoginSchemeOptions,)
"""Classes that only other classes extend."""

VALUES = (object(), 1.5, b"x", "a wrong type", ("x",), [5], {"a": 1}, {1: 2}, True, Request)
"""Values of which each has a wrong type for most options."""


@cache
def classes() -> dict[str, Any]:
    """All classes of options that users make, by name."""
    names = [each.name for each in walk_packages(ropewalk.__path__, "ropewalk.") if not each.name.endswith("__main__")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    found = [each for each in values if isinstance(each, type) and issubclass(each, KnownOptions)]
    return {each.__name__: each for each in found if each is not KnownOptions and each not in ABSTRACT}


def is_right(hint: Any, value: object) -> bool:
    """Whether a value has the type of an annotation."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(is_right(each, value) for each in parts)
    if origin is Literal:
        return value in parts
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    if origin is Callable:
        return callable(value)
    if getattr(hint, "_is_protocol", False):
        return callable(value) and "__call__" in vars(hint)
    if origin is dict or origin is Mapping:
        return isinstance(value, dict) and all(
            is_right(parts[0], k) and is_right(parts[1], v) for k, v in value.items()
        )
    if origin is frozenset:
        return isinstance(value, frozenset) and all(is_right(parts[0], each) for each in value)
    if origin in (Iterable, Collection, Sequence, tuple):
        return isinstance(value, tuple | list) and all(is_right(parts[0], each) for each in value)
    return hint is Any or isinstance(value, hint)


def is_needed(field: Field[Any]) -> bool:
    """Whether a field has no default."""
    return field.init and field.default is MISSING and field.default_factory is MISSING


OPTIONS = [(name, field.name) for name, kind in classes().items() for field in fields(kind) if field.init]


def test_the_classes_are_found() -> None:
    assert classes().keys() >= {"CORSOptions", "Form", "FormLimits", "RateLimit", "SessionsOptions", "TLSOptions"}


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_values_of_wrong_types_are_refused(name: str, option: str) -> None:
    kind = classes()[name]
    hint = get_type_hints(kind)[option]
    for value in VALUES:
        if is_right(hint, value):
            continue
        with pytest.raises(RopewalkError) as raised:
            kind(**{**NEEDED.get(name, {}), option: value})
        assert raised.value.remedy


@pytest.mark.parametrize("name", [name for name, kind in classes().items() if any(map(is_needed, fields(kind)))])
def test_a_missing_option_is_named(name: str) -> None:
    kind = classes()[name]
    needed = [field.name for field in fields(kind) if is_needed(field)]
    for given in ({}, {each: NEEDED[name][each] for each in needed[1:]}):
        with pytest.raises(HandlerError, match=f"RW377 {name} was called without {needed[0]} .*test_option_value"):
            kind(**given)


def test_the_store_of_sessions_is_an_object() -> None:
    message = (
        r"RW376 SessionsOptions: store cannot be 'redis://x' \(\S+test_option_values.py:\d+\)\. "
        r"Give an object with the methods of SessionStore \(create, delete, end_sessions, load, update\) or None\."
    )
    store: Any = "redis://x"
    with pytest.raises(HandlerError, match=message):
        SessionsOptions(store=store)
    store = MemorySessions  # the mistake: a class in the place of an object
    with pytest.raises(HandlerError, match="RW376"):
        SessionsOptions(store=store)


def test_a_limit_in_the_notation_of_another_library() -> None:
    with pytest.raises(HandlerError, match="RW377 RateLimit was called without seconds"):
        RateLimit("5/minute")  # type: ignore[arg-type, call-arg]


def test_a_list_is_as_good_as_a_tuple() -> None:
    options: dict[str, Any] = {"audience": ["a", "b"], "keys": SECRET, "issuer": None, "algorithms": ["HS256"]}
    assert vars(BearerJWTOptions(**options))["audience"] == ["a", "b"]


def test_a_secret_of_a_wrong_type_is_not_shown() -> None:
    secret: Any = ["the secret"]
    with pytest.raises(HandlerError) as raised:
        BearerJWTOptions(keys={1: "the secret"}, issuer=None, audience=None)  # type: ignore[dict-item]
    assert "the secret" not in f"{raised.value}"
    with pytest.raises(HandlerError) as raised:
        SessionsOptions(secret=secret)
    assert "the secret" not in f"{raised.value}"


def test_fields_of_a_subclass_of_the_program_are_its_own() -> None:
    @dataclass(frozen=True)
    class Mine(Computed):
        number: "Unknown" = 5  # type: ignore[name-defined]  # noqa: F821 - it is to be unknown

        def __call__(self, request: Request) -> int:
            return self.number  # type: ignore[no-any-return]

    assert Mine(number="x").number == "x"
    with pytest.raises(HandlerError, match="RW376 Mine: examples cannot be 5"):
        Mine(examples=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_options_can_be_copied(copied: Any) -> None:
    assert copied(RateLimit(5, 60)) == RateLimit(5, 60)
    assert replace(RateLimit(5, 60), burst=7) == RateLimit(5, 60, burst=7)
