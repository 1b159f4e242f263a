"""`SignedText`: the same signatures as itsdangerous, and the same verdict."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from ropewalk._engine import SignedContent, SignedText

KEYS = [b"first key, which signs", b"second key", b"k" * 200]

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def sign(content: bytes, key: bytes = KEYS[0]) -> str:
    signer = Signer([key], key_derivation="none", digest_method=sha256)
    return signer.sign(base64_encode(content)).decode()


def read_by_itsdangerous(text: str) -> bytes | None:
    signer = Signer(KEYS[::-1], key_derivation="none", digest_method=sha256)
    try:
        return base64_decode(signer.unsign(text))
    except BadSignature:
        return None


@given(st.binary(max_size=200), st.sampled_from(KEYS))
def test_it_reads_what_itsdangerous_has_signed(content: bytes, key: bytes) -> None:
    assert SignedText(KEYS).read(sign(content, key)) == content


@given(st.binary(max_size=40), st.integers(0), st.sampled_from("aA_-.=+/ é"))
def test_a_changed_text_is_refused(content: bytes, place: int, other: str) -> None:
    text = sign(content)
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]
    if changed != text:
        assert SignedText(KEYS).read(changed) in (None, read_by_itsdangerous(changed))


@pytest.mark.parametrize("place", range(len(sign(b"content"))))
def test_each_character_counts(place: int) -> None:
    text = sign(b"content")
    # In the last character of a part, some bits have no meaning: if only these change, the text stays valid.
    for other in "AQgw_":
        changed = text[:place] + other + text[place + 1 :]
        if read_by_itsdangerous(changed) is None:
            assert SignedText(KEYS).read(changed) is None


def test_another_key_is_refused() -> None:
    assert SignedText(KEYS).read(sign(b"content", b"another key")) is None
    assert SignedText([]).read(sign(b"content")) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a", "YQ", "YQ.", ".YQ", "YQ.YQ", "é.é", "a" * 4096, "." * 4096])
def test_other_text_is_refused(text: str) -> None:
    assert SignedText(KEYS).read(text) is None


def test_a_signed_text_that_is_not_base64_is_refused() -> None:
    signer = Signer([KEYS[0]], key_derivation="none", digest_method=sha256)
    for content in (b"a", b"a+b=", b"ab cd", b"abcde"):
        assert SignedText(KEYS).read(signer.sign(content).decode()) is None


@given(st.binary(max_size=200), st.sampled_from([KEYS, KEYS[1:]]))
def test_it_signs_as_itsdangerous_does(content: bytes, keys: list[bytes]) -> None:
    assert SignedText(keys).write(content) == sign(content, keys[0])


def test_nothing_signs_without_a_key() -> None:
    with pytest.raises(IndexError):
        SignedText([]).write(b"content")


class TestSessions:
    """`read_session`: the same values as msgspec decodes."""

    TIMES = (1000.0, 100.0, 1000.0, 10.0)
    """The time now, and the seconds after which a session expires unused, expires in any case, and is saved again."""

    def read(self, content: bytes) -> tuple[str | None, bool, SignedContent] | bytes | None:
        return SignedText(KEYS).read_session(sign(content), *self.TIMES)

    @given(
        st.none() | st.text(max_size=9), st.dictionaries(st.text(max_size=5), values, max_size=5), st.text(max_size=5)
    )
    def test_each_value(self, user: str | None, given: dict[str, Any], other: str) -> None:
        try:
            content = msgspec.json.encode((995, 999, user, given))
        except UnicodeEncodeError:
            return
        found = self.read(content)
        if isinstance(found, bytes):
            assert found == content
            assert "\\" in msgspec.json.encode(user).decode()
            return
        assert found is not None
        found_user, is_stale, signed = found
        assert (found_user, is_stale, signed.content) == (user, False, content)
        for name in (*given, other):
            raw = signed.raw(name)
            if raw is not None:
                assert name in given
                assert raw == msgspec.json.encode(given[name])
            elif name in given:
                assert "\\" in msgspec.json.encode(list(given)).decode()

    def test_without_escapes_each_value_is_found(self) -> None:
        given = {"a": "}]", "b": [1, {"c": '"'}, []], "ü": {"d": "\\"}, "e": -1.5e9, "f": None, "": True, "g": {}}
        found = self.read(msgspec.json.encode((995, 999, "ada", given)))
        assert isinstance(found, tuple)
        assert {name: msgspec.json.decode(found[2].raw(name) or b"0") for name in given} == given
        assert found[2].raw("c") is None

    @pytest.mark.parametrize(("created", "touched", "expected"), [(995, 999, False), (1, 990, True), (995, 991, False)])
    def test_times(self, created: int, touched: int, expected: bool) -> None:
        found = self.read(b'[%d,%d,null,{"a":1}]' % (created, touched))
        assert isinstance(found, tuple)
        assert found[1] is expected

    @pytest.mark.parametrize(("created", "touched"), [(0, 999), (995, 900), (995, 0)])
    def test_an_expired_session(self, created: int, touched: int) -> None:
        assert self.read(b'[%d,%d,null,{"a":1}]' % (created, touched)) is None

    @pytest.mark.parametrize(
        "content",
        [
            *(b"", b"[", b"[]", b"{}", b"[1,2]", b"[1,2,null]", b"[1,2,null,{}", b"[1,2,null,[]]", b"[-1,2,null,{}]"),
            *(b"[1, 2,null,{}]", b"[1.5,2,null,{}]", b'[1,2,"\\u0061",{}]', b'[1,2,"\xff",{}]', b'[1,2,"a'),
            b"[99999999999999999999,2,null,{}]",
        ],
    )
    def test_other_content_is_left_to_msgspec(self, content: bytes) -> None:
        assert self.read(content) == content

    @pytest.mark.parametrize(
        "values", [b"{a}", b'{"a"}', b'{"b":}', b'{"b":1,}', b'{"b":[}', b'{"b":"\\"}', b'{"\\u0061":1}']
    )
    def test_values_that_are_not_as_written(self, values: bytes) -> None:
        found = self.read(b"[995,999,null,%s]" % values)
        assert isinstance(found, tuple)
        assert found[2].raw("a") is None

    def test_another_signature(self) -> None:
        assert SignedText([b"other"]).read_session(sign(b"[995,999,null,{}]"), *self.TIMES) is None
