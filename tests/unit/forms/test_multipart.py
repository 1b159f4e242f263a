"""Forms with files, parsed part by part (RFC 7578)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.forms.bodies import BOUNDARY, body, field, file, parse, part

from ropewalk.errors import BadBody, BodyTooLarge, HandlerError, HTTPError
from ropewalk.forms import DEFAULT_LIMITS, FormLimits, MultipartForm, PartStream, boundary_of

SAMPLE = body(
    field("name", "Ada"),
    field("tag", "a"),
    field("tag", "b"),
    file("photo", "ä b.png", b"\r\n--limi\r\n" + bytes(range(256))),
    file("none", "", b"", "application/octet-stream"),
    file("empty", "empty.txt", b"", "Text/Plain; charset=utf-8"),
)


class TestParts:
    @pytest.mark.parametrize("size", [*range(1, 40), 0])
    def test_the_form_is_the_same_however_its_bytes_arrive(self, size: int) -> None:
        form = parse(SAMPLE, size=size)
        assert form.pairs() == [("name", "Ada"), ("tag", "a"), ("tag", "b")]
        photo = form.files["photo"]
        assert (photo.name, photo.filename, photo.content_type, photo.size) == ("photo", "ä b.png", "image/png", 266)
        assert photo.open().read() == b"\r\n--limi\r\n" + bytes(range(256))
        form.close()

    @pytest.mark.parametrize("end", range(-3, 14))
    def test_a_boundary_is_found_wherever_the_bytes_are_cut(self, end: int) -> None:
        content = b"x" * 50 + b"\r\n--limi" + b"y" * 50 + b"\r"
        data = body(file("photo", "a.png", content), field("name", "Ada"))
        cut = data.index(b"y\r\r\n--limit") + 2 + end
        form = MultipartForm(BOUNDARY, DEFAULT_LIMITS)
        for data_of_feed in (data[: cut - 30], data[cut - 30 : cut], data[cut:]):
            form.feed(data_of_feed)
        made = form.end()
        assert made.files["photo"].open().read() == content
        assert made["name"] == "Ada"
        made.close()

    def test_a_file_that_was_not_chosen_is_absent_and_an_empty_file_is_not(self) -> None:
        form = parse(SAMPLE)
        assert list(form.files) == ["photo", "empty"]
        assert (form.files["empty"].size, form.files["empty"].content_type) == (0, "text/plain")
        form.close()

    def test_fields_and_files_are_apart(self) -> None:
        form = parse(body(field("a", "text"), file("a", "a.txt", b"file")))
        assert (form["a"], form.files["a"].filename) == ("text", "a.txt")
        assert "b" not in form
        assert form.all("b") == []
        form.close()

    def test_a_form_may_have_no_part(self) -> None:
        assert len(parse(b"--limit--\r\n")) == 0

    def test_bytes_after_the_last_boundary_are_ignored(self) -> None:
        assert parse(body(field("a", "1")) + b"rest" * 100).pairs() == [("a", "1")]

    @pytest.mark.parametrize(
        ("charset", "content", "text"),
        [("iso-8859-1", b"\xe4", "ä"), ("UTF-8", b"\xc3\xa4", "ä"), ("windows-1252", b"\x80", "€")],
    )
    def test_a_field_may_have_a_charset(self, charset: str, content: bytes, text: str) -> None:
        data = body(part('; name="a"', content, f"Content-Type: text/plain; charset={charset}"))
        assert parse(data)["a"] == text


class TestFilenames:
    @pytest.mark.parametrize(
        ("sent", "filename"),
        [
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            (r"C:\Users\ada\photo.png", "photo.png"),
            (r"..\..\boot.ini", "boot.ini"),
            ("..", ""),
            (".", ""),
            ("a/..", ""),
            ("%2e%2e%2fpasswd", "%2e%2e%2fpasswd"),
            ("a%22b.png", 'a"b.png'),
            (".htaccess", ".htaccess"),
        ],
    )
    def test_folders_are_removed(self, sent: str, filename: str) -> None:
        form = parse(body(file("a", sent, b"x")))
        assert form.files["a"].filename == filename
        form.close()

    @pytest.mark.parametrize("name", ["; name=", "; name=b", "filename=a; filename=b", r"\"; name=b", "name*"])
    def test_one_that_looks_like_a_parameter(self, name: str) -> None:
        form = parse(body(part(f'; name="{name}"; filename="{name}"; filename*=UTF-8\'\'c; name*=d', b"x")))
        assert form.files[name.replace("\\", "")].size == 1
        form.close()

    @pytest.mark.parametrize("name", ["a%0D%0Ab", "a%0Ab", "a\x00b", "a\x7fb", "a\tb", "a\x1bb"])
    @pytest.mark.parametrize("template", ['; name="{}"', '; name="a"; filename="{}"'])
    def test_control_characters_are_refused(self, name: str, template: str) -> None:
        with pytest.raises(BadBody):
            parse(body(part(template.format(name), b"x")))


MALFORMED = {
    "no boundary": b"",
    "text before the first boundary": b"hello\r\n" + SAMPLE,
    "another boundary": SAMPLE.replace(b"--limit", b"--other"),
    "a longer boundary": SAMPLE.replace(b"--limit", b"--limits"),
    "a line feed after the boundary": SAMPLE.replace(b"--limit\r\n", b"--limit\n"),
    "spaces after the boundary": SAMPLE.replace(b"--limit\r\n", b"--limit  \r\n"),
    "no name": body(part("", b"x")),
    "an empty name": body(part('; name=""', b"x")),
    "another disposition": body(part('; name="a"', b"x")).replace(b"form-data", b"attachment"),
    "no disposition": b"--limit\r\nContent-Type: text/plain\r\n\r\nx\r\n--limit--\r\n",
    "no header": b"--limit\r\n\r\nx\r\n--limit--\r\n",
    "two dispositions": body(part('; name="a"', b"x", 'Content-Disposition: form-data; name="b"')),
    "two names": body(part('; name="a"; name="b"', b"x")),
    "two names in other notations": body(part('; NAME = a; name="b"', b"x")),
    "two file names": body(part('; name="a"; filename="b.png"; Filename=c.php', b"x")),
    "two types": body(part('; name="a"', b"x", "Content-Type: text/plain", "Content-Type: text/html")),
    "a header line without a colon": body(part('; name="a"', b"x", "hello")),
    "a header name with a space": body(part('; name="a"', b"x", "A b: c")),
    "a line feed in a header": body(part('; name="a"', b"x", "A: b\nC: d")),
    "bytes in a header that are not UTF-8": body(part('; name="a"', b"x")).replace(b'"a"', b'"\xff"'),
    "base64": body(part('; name="a"', b"eA==", "Content-Transfer-Encoding: base64")),
    "quoted-printable": body(part('; name="a"', b"=78", "Content-Transfer-Encoding: Quoted-Printable")),
    "nested multipart": body(part('; name="a"', b"--b\r\n\r\nx\r\n--b--", "Content-Type: multipart/mixed; boundary=b")),
    "a wrong length": body(part('; name="a"', b"x", "Content-Length: 5")),
    "a negative length": body(part('; name="a"', b"x", "Content-Length: -1")),
    "text that is not UTF-8": body(part('; name="a"', b"\xff")),
    "text that is not in its charset": body(part('; name="a"', b"\xff", "Content-Type: text/plain; charset=us-ascii")),
}


class TestMalformedForms:
    @pytest.mark.parametrize("size", [0, 1, 7])
    @pytest.mark.parametrize("name", MALFORMED)
    def test_they_are_refused(self, name: str, size: int) -> None:
        with pytest.raises(BadBody) as raised:
            parse(MALFORMED[name], size=size)
        assert raised.value.detail.endswith(".")

    def test_a_form_that_ends_at_any_byte_is_refused(self) -> None:
        whole = SAMPLE.removesuffix(b"\r\n")
        for length in range(len(whole)):
            with pytest.raises(BadBody):
                parse(whole[:length])

    @pytest.mark.parametrize("charset", ["utf-7", "idna", "punycode", "base64", "rot13", "unicode_escape", "x" * 500])
    def test_an_unsupported_charset_is_415(self, charset: str) -> None:
        with pytest.raises(HTTPError) as raised:
            parse(body(part('; name="a"', b"x", f"Content-Type: text/plain; charset={charset}")))
        assert raised.value.status == 415

    def test_a_field_named_charset_is_a_field(self) -> None:
        """RFC 7578, section 4.6, lets this field set the charset of the other fields. It has no such effect here:
        browsers do not send it.
        """
        assert parse(body(field("_charset_", "utf-7"), field("a", "+AGEAYQ-")))["a"] == "+AGEAYQ-"

    @pytest.mark.parametrize(
        "given",
        [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            'multipart/form-data; boundary=""',
            "multipart/form-data; boundary=a\nb",
            "multipart/form-data; boundary=ä",
            f"multipart/form-data; boundary={'a' * 71}",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a; BOUNDARY=b",
            "multipart/form-data; boundary=a*b",
        ],
    )
    def test_a_malformed_boundary_is_refused(self, given: str) -> None:
        with pytest.raises(BadBody):
            boundary_of(given)

    @pytest.mark.parametrize(
        ("given", "boundary"),
        [("a; boundary=b", "b"), ('a; boundary="b c"', "b c"), ("a; Boundary=boundary", "boundary")],
    )
    def test_a_boundary(self, given: str, boundary: str) -> None:
        assert boundary_of(given) == boundary


class TestLimits:
    @pytest.mark.parametrize(
        ("option", "data"),
        [
            ("part_limit", body(*[field("a", "")] * 4)),
            ("name_limit", body(field("abcd", ""))),
            ("name_limit", body(file("a", "abcd", b"x"))),
            ("name_limit", body(field("ää", ""))),
            ("header_limit", body(part('; name="a"', b"x"))),
            ("field_limit", body(field("a", "abcd"))),
            ("fields_limit", body(field("a", "1"), field("a", "2"))),
            ("file_limit", body(file("a", "a", b"abcd"))),
        ],
    )
    @pytest.mark.parametrize("size", [0, 1])
    def test_a_form_over_a_limit_is_413(self, option: str, data: bytes, size: int) -> None:
        with pytest.raises(BodyTooLarge):
            parse(data, FormLimits(**{option: 3}), size)

    def test_a_form_at_the_limits(self) -> None:
        limits = FormLimits(part_limit=2, name_limit=1, field_limit=3, fields_limit=4, file_limit=3, header_limit=60)
        form = parse(body(field("a", "abc"), file("b", "c", b"def")), limits)
        assert (form["a"], form.files["b"].size) == ("abc", 3)
        form.close()

    def test_10000_parts_are_refused_at_the_first_over_the_limit(self) -> None:
        with pytest.raises(BodyTooLarge, match="more than 1000 parts"):
            parse(body(*[field("a", "")] * 10_000))

    def test_a_part_has_few_header_lines(self) -> None:
        with pytest.raises(BodyTooLarge):
            parse(body(part('; name="a"', b"x", *[f"A{number}: b" for number in range(10)])))

    def test_a_header_line_without_an_end_is_refused(self) -> None:
        with pytest.raises(BodyTooLarge):
            parse(b"--limit\r\nContent-Disposition: " + b"a" * 5000, size=64)

    @pytest.mark.parametrize("value", [-1, 1.5, "1", None, True])
    def test_a_limit_is_a_number(self, value: Any) -> None:
        with pytest.raises(HandlerError, match="RW275 FormLimits has part_limit"):
            FormLimits(part_limit=value)


async def arriving(*parts: bytes) -> AsyncIterator[bytes]:
    for each in parts:
        yield each


class TestPartStream:
    async def _collect(self, *parts: bytes) -> list[Any]:
        stream = PartStream(arriving(*parts), "limit", FormLimits())
        return [(each.name, each.filename, await each.read()) async for each in stream]

    @pytest.mark.parametrize("size", [1, 9, 1000])
    def test_parts_arrive_in_order(self, size: int) -> None:
        data = body(field("a", "1"), file("b", "b.txt", b"2" * 50))
        found = asyncio.run(self._collect(*[data[at : at + size] for at in range(0, len(data), size)]))
        assert found == [("a", None, b"1"), ("b", "b.txt", b"2" * 50)]

    def test_the_rest_of_a_part_is_dropped(self) -> None:
        async def names() -> list[str]:
            stream = PartStream(arriving(body(field("a", "1"), field("b", "2"))), "limit", FormLimits())
            return [each.name async for each in stream]

        assert asyncio.run(names()) == ["a", "b"]

    def test_a_part_is_read_before_the_next(self) -> None:
        async def read_late() -> None:
            stream = PartStream(arriving(body(field("a", "1"), field("b", "2"))), "limit", FormLimits())
            first = await anext(stream)
            first.complete = False
            await anext(stream)
            first.complete = False
            await first.read()

        with pytest.raises(HandlerError, match="RW279 The part 'a' of a form"):
            asyncio.run(read_late())

    def test_a_truncated_form_is_refused(self) -> None:
        with pytest.raises(BadBody, match="incomplete"):
            asyncio.run(self._collect(field("a", "1")))

    def test_text_and_limits(self) -> None:
        async def read(limit: int) -> str:
            stream = PartStream(arriving(body(field("a", "ä"))), "limit", FormLimits())
            return await (await anext(stream)).text(limit)

        assert asyncio.run(read(2)) == "ä"
        with pytest.raises(BodyTooLarge):
            asyncio.run(read(1))
