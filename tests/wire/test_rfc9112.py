"""HTTP/1.1 (RFC 9112), a class for each section."""

import json

import pytest
from tests.wire.agreement import Accepted
from tests.wire.books import WITNESS, Books
from tests.wire.conftest import Connect, on_sockets
from tests.wire.connection import GET, Connection
from tests.wire.refusals import Refused, with_fields

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

CONTROLS = [bytes([byte]) for byte in (*range(0x20), 0x7F) if byte != 0x09]

CHUNKED = b"Transfer-Encoding: chunked"


def line(start: bytes) -> bytes:
    """A request with this request line."""
    return start + b"\r\nHost: a\r\n\r\n"


def target(target: bytes) -> bytes:
    return line(b"GET " + target + b" HTTP/1.1")


def chunked(body: bytes) -> bytes:
    return with_fields(CHUNKED) + body


def with_everywhere(byte: bytes, head: bytes) -> list[bytes]:
    """The head with a byte inserted at each place.

    A second end of a head follows, in case the byte damages the first one.
    """
    messages = [head[:at] + byte + head[at:] + b"\r\n\r\n" for at in range(len(head))]
    return [message for message in messages if not message.startswith(head)]


class TestSection2_2MessageParsing:
    @pytest.mark.parametrize(
        "message",
        [
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX:\ry\r\n\r\n",
            b"GET / HTTP/1.1\rHost: a\r\r\r\n\r\n",
            b"GET / HTTP/1.1\r\r\nHost: a\r\r\n\r\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
            b"GET / HTTP/1.1\n\rHost: a\n\r\n\r",
            b"GET / HTTP/1.1\r\nHost: a\n\rX: y\r\n\r\n",
            b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
    )
    def test_a_bare_line_feed_or_carriage_return_is_refused(self, refused: Refused, message: bytes) -> None:
        assert refused(message) == 400

    @pytest.mark.parametrize("byte", [b"\n", b"\r", b"\x00", b"\x0b", b"\x0c", b"\x1f", b"\x7f"])
    def test_a_control_character_is_refused_wherever_it_stands(self, refused: Refused, byte: bytes) -> None:
        assert refused.all(with_everywhere(byte, GET)) == 400

    @pytest.mark.parametrize("byte", [b" ", b"\t", b"\x80", b"\x85", b"\xa0", b"\xff"])
    def test_space_and_what_is_not_ascii_stand_in_values_only(self, refused: Refused, byte: bytes) -> None:
        up_to_the_value = GET.index(b": a") + 1
        assert refused.all(with_everywhere(byte, GET)[:up_to_the_value]) == 400

    def test_one_empty_line_before_the_request_line_is_ignored(self, accepted: Accepted) -> None:
        assert [response.status for response in accepted(b"\r\n" + GET + b"\r\n" + GET)] == [200, 200]

    @pytest.mark.parametrize("lines", [b"\r\n\r\n", b"\r\n\r\n" + GET, b"\r\n\n", b"\r\n \r\n\r\n", b"\r\n\r\r\n\r\n"])
    def test_more_empty_lines_are_refused(self, refused: Refused, lines: bytes) -> None:
        assert refused(lines) == 400

    @pytest.mark.parametrize("space", [b" ", b"\t", b" X: y\r\n ", b" \r\n", b"\t\r\n"])
    def test_space_before_the_first_field_is_refused(self, refused: Refused, space: bytes) -> None:
        assert refused(b"GET / HTTP/1.1\r\n" + space + b"Host: a\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" + GET,
            b"\r\n\r\n\x00\r\nQUIT\n" + GET,
            b"\xef\xbb\xbf" + GET,
            b"\x00\r\n\r\n",
            b"\x80\r\n\r\n",
            b"{}\r\n\r\n",
        ],
    )
    def test_what_is_not_http_is_refused(self, refused: Refused, garbage: bytes) -> None:
        assert refused(garbage) == 400


class TestSection2_3HttpVersion:
    @pytest.mark.parametrize("version", [b"0.0", b"0.9", b"1.2", b"1.9", b"2.0", b"3.0", b"9.9"])
    def test_one_that_is_not_spoken_is_505(self, refused: Refused, version: bytes) -> None:
        assert refused(line(b"GET / HTTP/" + version)) == 505

    @pytest.mark.parametrize(
        "version",
        [
            b"http/1.1",
            b"Http/1.1",
            b"HTTP/1",
            b"HTTP/1.",
            b"HTTP/.1",
            b"HTTP/1.10",
            b"HTTP/01.1",
            b"HTTP/1.01",
            b"HTTP/11",
            b"HTTP/1.1.1",
            b"HTTP/1,1",
            b"HTTP/1.x",
            b"HTTP/-1.1",
            b"HTTP/+1.1",
            b"HTTP/ 1.1",
            b"HTTP/\t1.1",
            b"HTTP/1.\xb9",
            b"HTTP//1.1",
            b"HTTP1.1",
            b"HTP/1.1",
            b"HTTPS/1.1",
            b"ICY/1.1",
            b"1.1",
        ],
    )
    def test_a_malformed_one_is_400(self, refused: Refused, version: bytes) -> None:
        assert refused(line(b"GET / " + version)) == 400

    @pytest.mark.parametrize("request_line", [b"GET /", b"GET / ", b"GET /witness", b"GET"])
    def test_a_request_of_http_0_9_is_400(self, refused: Refused, request_line: bytes) -> None:
        assert refused(request_line + b"\r\n\r\n") == 400

    def test_the_response_to_http_1_0_is_http_1_1(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET /facts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert json.loads(response.body)["version"] == "1.0"


class TestSection3RequestLine:
    @pytest.mark.parametrize(
        "request_line",
        [
            b"GET  / HTTP/1.1",
            b"GET /  HTTP/1.1",
            b"GET\t/ HTTP/1.1",
            b"GET /\tHTTP/1.1",
            b"GET\x0b/ HTTP/1.1",
            b"GET\x0c/\x0cHTTP/1.1",
            b"GET\xa0/\xa0HTTP/1.1",
            b"GET /\rHTTP/1.1",
            b"GET / HTTP/1.1 ",
            b"GET / HTTP/1.1\t",
            b" GET / HTTP/1.1",
            b"\tGET / HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET / HTTP/1.1 X: y",
            b"GET / HTTP/1.1 HTTP/1.1",
            b"GET HTTP/1.1",
            b" / HTTP/1.1",
            b"/ HTTP/1.1",
            b"GET",
            b" ",
            b"  ",
        ],
    )
    def test_it_is_three_parts_and_two_spaces(self, refused: Refused, request_line: bytes) -> None:
        assert refused(line(request_line)) == 400

    def test_its_field_must_not_look_like_it(self, refused: Refused) -> None:
        assert refused(b"GET / HTTP/1.1\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400


class TestSection3_1Method:
    @pytest.mark.parametrize("method", [b"BREW", b"get", b"Get", b"GETX", b"GE", b"G-T", b"PRI", b"0", b"!"])
    def test_an_unknown_one_is_501(self, refused: Refused, method: bytes) -> None:
        assert refused(line(method + b" / HTTP/1.1")) == 501

    def test_one_that_is_no_token_is_400(self, refused: Refused) -> None:
        others = [bytes([byte]) for byte in range(256) if byte not in TOKEN]
        assert refused.all([line(b"G" + byte + b"T / HTTP/1.1") for byte in others]) == 400
        assert refused.all([line(byte + b"GET / HTTP/1.1") for byte in others]) == 400


class TestSection3_2RequestTarget:
    @pytest.mark.parametrize(
        "bad",
        [
            b"*",
            b"**",
            b"*/",
            b"*?a",
            b"relative",
            b"./relative",
            b"?query",
            b"#fragment",
            b"%2f",
            b"a:80",
            b"a.example:80",
            b"[::1]:80",
            b":80",
            b"/a#fragment",
            b"/#",
            b"/?a#fragment",
            b"/%00",
            b"/a%00b",
            b"/a%00?b",
            b"http://a/%00",
        ],
    )
    def test_a_malformed_one_is_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(target(bad)) == 400

    def test_controls_and_bytes_over_0x7e_are_refused(self, refused: Refused) -> None:
        raw = [bytes([byte]) for byte in range(256) if not 0x21 <= byte <= 0x7E]
        assert refused.all([target(b"/" + byte + b"a") for byte in raw]) == 400
        assert refused.all([target(b"/?a=" + byte) for byte in raw]) == 400
        assert refused.all([target(b"http://a/" + byte) for byte in raw]) == 400


class TestSection3_2Host:
    @pytest.mark.parametrize(
        "lines",
        [
            b"",
            b"Host: a\r\nHost: a\r\n",
            b"Host: a\r\nhost: b\r\n",
            b"Host: a\r\nX: y\r\nHOST:\r\n",
            b"Host:\r\nHost: a\r\n",
            b"Host : a\r\n",
            b"\xa0Host: a\r\n",
            b"X-Host: a\r\n",
        ],
    )
    def test_there_is_one(self, refused: Refused, lines: bytes) -> None:
        assert refused(b"GET / HTTP/1.1\r\n" + lines + b"\r\n") == 400

    @pytest.mark.parametrize(
        "host",
        [
            b"a, b",
            b"a,b",
            b"a,",
            b"a b",
            b"a\tb",
            b"user@a",
            b"user:password@a",
            b"@a",
            b"a/b",
            b"a/",
            b"http://a",
            b"a?",
            b"a#",
            b"a\\b",
            b'"a"',
            b"a:b",
            b"a:1:2",
            b"a:-1",
            b"a:+80",
            b"a:0x50",
            b"a:8 0",
            b"a:65536",
            b"a:99999",
            b"a:123456",
            b":80",
            b":",
            b"::1",
            b"[::1",
            b"[::1]a",
            b"[::1]:a",
            b"[[::1]]",
            b"[]",
            b"[zz]",
            b"[1.2.3.4]",
            b"[fe80::1%25eth0]",
            b"[v1.]",
            b"[v1.a%25b]",
            b"[v.a]",
            b"a:0065536",
            b"",
            b" \t ",
            b"\xc3\xa9",
            b"a\xa0",
            b"\x85a",
            b"%zz",
            b"%",
            b"a%00",
            b"a%0d%0a",
            b"a%7f",
            b"a%4",
            b"<script>",
            b"a^b",
            b"a|b",
            b"{a}",
        ],
    )
    def test_an_invalid_one_is_refused(self, refused: Refused, host: bytes) -> None:
        assert refused(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") == 400
        assert refused(b"GET / HTTP/1.0\r\nHost: " + host + b"\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "host",
        [
            b"a",
            b"a.b-c:8080",
            b"A_b.",
            b"[::1]:80",
            b"[::ffff:1.2.3.4]",
            b"a:",
            b"a:65535",
            b"127.0.0.1",
            b"xn--9ca",
            b"%C3%A9",
            b"a:000080",
            b"[::1]:00080",
            b"[v1.fe80::a+en1]",
            b"[v7.x]:80",
        ],
    )
    def test_by_name_or_number(self, accepted: Accepted, host: bytes) -> None:
        [response] = accepted(b"GET /facts HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert json.loads(response.body)["host"] == host.decode()

    def test_http_1_0_may_do_without(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert response.status == 200


class TestSection3_2_1OriginForm:
    def test_path_and_query(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET /facts?a=%20&b HTTP/1.1\r\nHost: a:8\r\n\r\n")
        facts = json.loads(response.body)
        assert (facts["target"], facts["path"], facts["host"]) == ("/facts?a=%20&b", "/facts", "a:8")

    def test_in_a_query_anything_may_be_encoded(self, accepted: Accepted) -> None:
        [response] = accepted(target(b"/facts?a=%00%0d%0a%23"))
        assert json.loads(response.body)["target"] == "/facts?a=%00%0d%0a%23"

    def test_every_other_byte_is_taken_as_it_is(self, accepted: Accepted) -> None:
        query = bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#"))
        [response] = accepted(target(b"/facts?" + query))
        assert json.loads(response.body)["target"] == f"/facts?{query.decode()}"


class TestSection3_2_2AbsoluteForm:
    @pytest.mark.parametrize(
        "bad",
        [
            b"http:",
            b"http:/",
            b"http://",
            b"http:///path",
            b"http:a",
            b"http:/a/",
            b"http:\\\\a/",
            b"http://\\a/",
            b"ftp://a/",
            b"httpx://a/",
            b"http ://a/",
            b"://a/",
            b"urn:a",
            b"http://a/#fragment",
            b"http://a#fragment",
            b"http://user@a/",
            b"http://user:password@a/",
            b"http://@a/",
            b"http://a@/",
            b"http://a%40b@a/",
            b"http://other/",
            b"http://a:80/",
            b"http://a:/",
            b"http://a./",
            b"http://a,a/",
            b"http://a:80:80/",
            b"http://a:b/",
            b"http://[::1/",
            b"http://[a]/",
        ],
    )
    def test_a_malformed_one_or_one_of_another_authority_is_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(target(bad)) == 400

    @pytest.mark.parametrize("host", [b"", b"Host:\r\n", b"Host: b\r\n", b"Host: a:80\r\n", b"Host: a\r\nHost: a\r\n"])
    def test_it_does_not_stand_for_the_host(self, refused: Refused, host: bytes) -> None:
        assert refused(b"GET http://a/ HTTP/1.1\r\n" + host + b"\r\n") == 400

    def test_its_authority_is_the_host(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET hTTp://A:8/facts?a HTTP/1.1\r\nHost: a:8\r\n\r\n")
        facts = json.loads(response.body)
        assert (facts["path"], facts["host"].lower()) == ("/facts", "a:8")

    @pytest.mark.parametrize("form", [b"http://a", b"http://a/", b"https://a", b"http://a?b"])
    def test_without_a_path_it_means_the_root(self, accepted: Accepted, form: bytes) -> None:
        [response] = accepted(target(form))
        assert response.text == "Hello, World!"


class TestSection3_2_3AuthorityForm:
    @pytest.mark.parametrize("authority", [b"a:80", b"a", b"*", b"/", b"http://a:80/"])
    def test_it_is_for_connect_which_is_off(self, refused: Refused, authority: bytes) -> None:
        assert refused(b"CONNECT " + authority + b" HTTP/1.1\r\nHost: a:80\r\n\r\n") == 501


class TestSection3_2_4AsteriskForm:
    def test_it_is_for_options(self, accepted: Accepted) -> None:
        [response] = accepted(line(b"OPTIONS * HTTP/1.1"))
        assert response.status == 204

    @pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE", b"PROPFIND"])
    def test_and_for_no_other_method(self, refused: Refused, method: bytes) -> None:
        assert refused(line(method + b" * HTTP/1.1")) == 400


class TestSection5FieldSyntax:
    @pytest.mark.parametrize("bad", [b": y", b":", b"X", b"X y", b"X;y", b"Content-Length 5"])
    def test_a_line_without_name_or_colon_is_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(with_fields(bad)) == 400

    def test_a_name_is_a_token(self, refused: Refused) -> None:
        others = [bytes([byte]) for byte in range(256) if byte not in TOKEN + b":"]
        assert refused.all([with_fields(b"X" + byte + b"Y: z") for byte in others]) == 400
        assert refused.all([with_fields(byte + b"X: y") for byte in others]) == 400

    def test_every_token_is_a_name(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET /facts HTTP/1.1\r\nHost: a\r\n" + TOKEN + b": y\r\n\r\n")
        assert json.loads(response.body)["headers"][1] == [TOKEN.decode().lower(), "y"]

    def test_a_control_character_in_a_value_is_refused(self, refused: Refused) -> None:
        assert refused.all([with_fields(b"X: a" + byte + b"b") for byte in CONTROLS]) == 400
        assert refused.all([with_fields(b"X: " + byte + b"b") for byte in CONTROLS]) == 400
        assert refused.all([with_fields(b"X: a" + byte) for byte in CONTROLS]) == 400
        assert refused.all([with_fields(b"X:" + byte) for byte in CONTROLS]) == 400

    def test_values_are_trimmed_and_lines_kept_apart(self, accepted: Accepted) -> None:
        lines = b"X:\t one \t\r\nX:two\r\nY:\r\nZ: \xe9\tz\r\nX::\r\n"
        [response] = accepted(b"GET /facts HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
        facts = json.loads(response.body)
        assert facts["headers"][1:] == [["x", "one"], ["x", "two"], ["y", ""], ["z", "\xe9\tz"], ["x", ":"]]

    def test_only_space_and_tab_are_trimmed(self, accepted: Accepted) -> None:
        [response] = accepted(b"GET /facts HTTP/1.1\r\nHost: a\r\nX: \x85\xa0y\xa0\x85 \r\n\r\n")
        assert json.loads(response.body)["headers"][1] == ["x", "\x85\xa0y\xa0\x85"]


class TestSection5_1FieldLineParsing:
    @pytest.mark.parametrize(
        "bad",
        [b"X : y", b"X\t: y", b"X  : y", b" : y", b"Content-Length : 0", b"Transfer-Encoding\t: chunked", b"Host : a"],
    )
    def test_space_before_the_colon_is_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(with_fields(bad)) == 400
        assert refused(with_fields(host=bad)) == 400


class TestSection5_2ObsoleteLineFolding:
    @pytest.mark.parametrize(
        "fold",
        [b"X: a\r\n b", b"X: a\r\n\tb", b"X:\r\n y", b"X: a\r\n ", b"X: a\r\n\t", b"X: a\r\n b\r\n c", b"X\r\n : y"],
    )
    def test_it_is_refused_in_any_field(self, refused: Refused, fold: bytes) -> None:
        assert refused(with_fields(fold)) == 400
        assert refused(with_fields(host=fold.replace(b"X", b"Host"))) == 400
        assert refused(with_fields(fold, b"Y: z")) == 400

    @pytest.mark.parametrize(
        "fold", [b"Transfer-Encoding:\r\n chunked", b"Content-Length: 1\r\n 0", CHUNKED + b"\r\n "]
    )
    def test_it_does_not_frame(self, refused: Refused, fold: bytes) -> None:
        assert refused(with_fields(fold) + b"0\r\n\r\n") == 400


class TestSection6_1TransferEncoding:
    @pytest.mark.parametrize(
        "lines",
        [
            (CHUNKED, b"Content-Length: 0"),
            (CHUNKED, b"Content-Length: 5"),
            (b"Content-Length: 5", CHUNKED),
            (b"Content-Length: 5", b"Transfer-Encoding: identity"),
            (b"Content-Length: 5", b"Transfer-Encoding:"),
            (b"Content-Length:", CHUNKED),
        ],
    )
    def test_beside_a_length_it_is_refused(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        assert refused(with_fields(*lines)) == 400

    @pytest.mark.parametrize(
        "lines",
        [
            (CHUNKED, CHUNKED),
            (CHUNKED, b"transfer-encoding: CHUNKED"),
            (CHUNKED, b"Transfer-Encoding: identity"),
            (b"Transfer-Encoding: gzip", CHUNKED),
            (CHUNKED, b"Transfer-Encoding:"),
            (b"Transfer-Encoding: chunked, chunked",),
            (b"Transfer-Encoding: chunked,",),
            (b"Transfer-Encoding: ,chunked",),
            (b"Transfer-Encoding: , chunked ,",),
            (b"Transfer-Encoding: ,",),
            (b"Transfer-Encoding:",),
            (b"Transfer-Encoding: \t ",),
            (b"Transfer-Encoding: chunked;q=1",),
            (b"Transfer-Encoding: chunked;",),
            (b"Transfer-Encoding: chunked chunked",),
            (b"Transfer-Encoding: chun ked",),
            (b'Transfer-Encoding: "chunked"',),
            (b"Transfer-Encoding: \xa0chunked",),
            (b"Transfer-Encoding: chunked\x85",),
            (b"Transfer-Encoding: \xef\xbd\x83hunked",),
            (b"Transfer-Encoding: \x0bchunked",),
            (b"Transfer-Encoding: chunked\x0c",),
            (b"Transfer-Encoding: chunked\x00",),
            (b"Transfer-Encoding : chunked",),
        ],
    )
    def test_anything_but_one_chunked_is_refused(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        assert refused(with_fields(*lines) + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "coding",
        [b"gzip, chunked", b"identity, chunked", b"gzip,br,Chunked", b"chunkedx, chunked", b"'chunked, chunked"],
    )
    def test_an_unknown_coding_before_chunked_is_501(self, refused: Refused, coding: bytes) -> None:
        assert refused(with_fields(b"Transfer-Encoding: " + coding) + b"0\r\n\r\n") == 501

    @pytest.mark.parametrize(
        "coding",
        [b"gzip", b"identity", b"chunked, gzip", b"chunked,identity", b"chunkedx", b"'chunked", b"chunked, x, chunked"],
    )
    def test_where_chunked_is_not_the_last_it_is_refused(self, refused: Refused, coding: bytes) -> None:
        assert refused(with_fields(b"Transfer-Encoding: " + coding) + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize("lines", [(CHUNKED,), (b"Transfer-Encoding: gzip",), (CHUNKED, b"Content-Length: 5")])
    def test_http_1_0_has_none(self, refused: Refused, lines: tuple[bytes, ...]) -> None:
        for connection in (b"close", b"keep-alive"):
            head = with_fields(*lines, b"Connection: " + connection, start=b"POST /echo HTTP/1.0")
            assert refused(head + b"0\r\n\r\n") == 400

    @pytest.mark.parametrize(
        "field",
        [
            b"transfer-encoding: Chunked",
            b"TRANSFER-ENCODING:CHUNKED",
            b"Transfer-Encoding:\tchunked",
            CHUNKED + b" \t ",
        ],
    )
    def test_its_name_and_the_codings_have_no_case_and_may_stand_in_space(
        self, accepted: Accepted, field: bytes
    ) -> None:
        [response] = accepted(with_fields(field) + b"1\r\na\r\n0\r\n\r\n")
        assert response.text == "a"

    def test_a_field_of_a_similar_name_frames_nothing(self, accepted: Accepted) -> None:
        similar = (b"Transfer_Encoding: chunked", b"X-Transfer-Encoding: chunked", b"Transfer-Encodings: chunked")
        assert [response.text for response in accepted(with_fields(*similar) + GET)] == ["", "Hello, World!"]


class TestSection6_2ContentLength:
    @pytest.mark.parametrize(
        "length",
        [
            b"+1",
            b"-1",
            b"-0",
            b"0x1",
            b"0X1",
            b"1h",
            b"1_0",
            b"01",
            b"00",
            b"000",
            b"1.0",
            b"1.",
            b"1e1",
            b"",
            b" ",
            b"1 1",
            b"1\t1",
            b"1, 1",
            b"1,1",
            b"1,2",
            b"1,",
            b",1",
            b"1;",
            b'"1"',
            b"a",
            b"1\x00",
            b"1\x0b",
            b"\x0c1",
            b"1\xa0",
            b"\x851",
            b"\xd9\xa1",
            b"\xef\xbc\x91",
            b"\xb9",
            b"9223372036854775808",
            b"18446744073709551615",
            b"18446744073709551616",
            b"18446744073709551621",
            b"1" + b"0" * 40,
        ],
    )
    def test_only_plain_digits_are_one(self, refused: Refused, length: bytes) -> None:
        assert refused(with_fields(b"Content-Length: " + length) + b"abcde") == 400

    @pytest.mark.parametrize(
        "lengths",
        [(b"1", b"1"), (b"1", b"2"), (b"0", b"0"), (b"", b"1"), (b"1", b""), (b"1", b"1", b"1"), (b"1", b"a")],
    )
    def test_there_is_one(self, refused: Refused, lengths: tuple[bytes, ...]) -> None:
        lines = [b"Content-Length: " + length for length in lengths]
        assert refused(with_fields(*lines) + b"a") == 400
        assert refused(with_fields(lines[0], b"X: y", *[line.lower() for line in lines[1:]]) + b"a") == 400

    @pytest.mark.parametrize(
        "field",
        [
            b"Content-Length: 5",
            b"content-length:5",
            b"CONTENT-LENGTH:\t5",
            b"Content-Length: 5 ",
            b"Content-Length:  5\t",
        ],
    )
    def test_it_may_stand_in_space(self, accepted: Accepted, field: bytes) -> None:
        [response] = accepted(with_fields(field) + b"hello")
        assert response.text == "hello"


class TestSection6_3MessageBodyLength:
    def test_without_framing_there_is_no_body(self, accepted: Accepted) -> None:
        assert [response.text for response in accepted(with_fields() + GET)] == ["", "Hello, World!"]

    def test_a_body_ends_at_its_length(self, accepted: Accepted) -> None:
        message = with_fields(b"Content-Length: 5") + b"hello"
        assert [response.text for response in accepted(message + GET)] == ["hello", "Hello, World!"]

    def test_what_looks_like_a_request_is_a_body_all_the_same(self, accepted: Accepted) -> None:
        message = with_fields(b"Content-Length: %d" % len(GET)) + GET
        assert [response.body for response in accepted(message + GET)] == [GET, b"Hello, World!"]

    def test_a_get_may_have_one(self, accepted: Accepted) -> None:
        [response] = accepted(with_fields(b"Content-Length: 5", start=b"GET /facts HTTP/1.1") + b"hello")
        assert json.loads(response.body)["body"] == "hello"

    def test_a_response_without_a_known_length_is_chunked(self, accepted: Accepted) -> None:
        [response] = accepted(line(b"GET /parts HTTP/1.1"))
        assert (response.text, response.field("transfer-encoding")) == ("one two", "chunked")

    def test_for_http_1_0_it_lasts_until_the_connection_closes(self, connection: Connection) -> None:
        response = connection.ask(b"GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (response.text, response.field("transfer-encoding")) == ("one two", None)
        assert response.field("connection") == "close"

    def test_a_large_response(self, connection: Connection) -> None:
        response = connection.ask(line(b"GET /large HTTP/1.1"))
        assert response.body == bytes(range(256)) * 16_384


class TestSection7_1ChunkedTransferCoding:
    def test_chunks_of_any_size(self, accepted: Accepted) -> None:
        body = b"1\r\na\r\nA\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n"
        assert [response.text for response in accepted(chunked(body) + GET)] == [
            "a01234567890123456789",
            "Hello, World!",
        ]

    @pytest.mark.parametrize("size", [b"a", b"A", b"0a", b"00000000000000a"])
    def test_sizes_have_no_case_and_may_have_zeros_before_them(self, accepted: Accepted, size: bytes) -> None:
        [response] = accepted(chunked(size + b"\r\n0123456789\r\n" + b"0" * len(size) + b"\r\n\r\n"))
        assert response.text == "0123456789"

    def test_data_may_look_like_the_end(self, accepted: Accepted) -> None:
        data = b"\r\n0\r\n\r\n" + GET
        [response] = accepted(chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)))
        assert response.body == data

    @pytest.mark.parametrize(
        "size",
        [
            b"",
            b"-1",
            b"+1",
            b"-0",
            b"0x1",
            b"0X1",
            b"x1",
            b"1h",
            b"1L",
            b"g",
            b"1_0",
            b"1.0",
            b"1,1",
            b" 1",
            b"\t1",
            b"1 ",
            b"1\t",
            b"1 1",
            b"1 ;a",
            b"1\x00",
            b"\x001",
            b"1\x0b",
            b"1\x0c",
            b"1\xa0",
            b"\xef\xbc\x91",
            b"\xb9",
            b'"1"',
            b"1\r",
            b"1\n",
            b"\r1",
            b"\n1",
        ],
    )
    def test_a_size_is_hexadecimal_digits(self, refused: Refused, size: bytes) -> None:
        assert refused(chunked(size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400
        assert refused(chunked(b"1\r\na\r\n" + size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400

    @pytest.mark.parametrize(
        "size",
        [
            b"1000000000000000",
            b"8000000000000000",
            b"ffffffffffffffff",
            b"10000000000000000",
            b"10000000000000001",
            b"fffffffffffffffff",
            b"0" * 15 + b"1",
            b"0" * 16,
            b"0" * 5000,
            b"1" + b"0" * 64,
        ],
    )
    def test_a_size_of_more_than_15_digits_is_refused(self, refused: Refused, size: bytes) -> None:
        assert refused(chunked(size + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400

    @pytest.mark.parametrize(
        "body",
        [
            b"1\na\r\n0\r\n\r\n",
            b"1\ra\r\n0\r\n\r\n",
            b"1\n\ra\r\n0\r\n\r\n",
            b"1\r\r\na\r\n0\r\n\r\n",
            b"1\r\na\n0\r\n\r\n",
            b"1\r\na\r0\r\n\r\n",
            b"1\r\na\n\r0\r\n\r\n",
            b"1\r\na\r\r\n0\r\n\r\n",
            b"1\r\na0\r\n\r\n",
            b"1\r\nab\r\n0\r\n\r\n",
            b"2\r\na\r\n0\r\n\r\n",
            b"1\r\n\r\na\r\n0\r\n\r\n",
            b"1\r\na\r\n\r\n0\r\n\r\n",
            b"0\n\n",
            b"0\r\r\n\r\n",
            b"0\r\n\n",
            b"0\r\n\r\r\n\r\n",
        ],
    )
    def test_its_lines_and_data_end_with_cr_lf(self, refused: Refused, body: bytes) -> None:
        assert refused(chunked(body), heads=1) == 400

    @pytest.mark.parametrize("byte", [b"\n", b"\r", b"\x00", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x80"])
    def test_a_byte_too_many_is_refused_wherever_it_stands(self, refused: Refused, byte: bytes) -> None:
        messages = with_everywhere(byte, b"1;a=b\r\nx\r\n0\r\nX:\r\n\r\n")
        in_the_value = b"X:" + byte + b"\r"
        bad = [chunked(message) for message in messages if byte != b"\x80" or in_the_value not in message]
        assert refused.all(bad, heads=1) == 400

    @pytest.mark.parametrize("path", [b"/echo", b"/gather", b"/stream", b"/facts"])
    def test_bad_chunks_are_refused_for_every_reader(self, refused: Refused, path: bytes) -> None:
        head = with_fields(CHUNKED, start=b"POST " + path + b" HTTP/1.1")
        assert refused(head + b"zz\r\n\r\n0\r\n\r\n", heads=1) == 400

    def test_unread_bad_chunks_end_the_connection(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /nowhere HTTP/1.1") + b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.response().status == 404
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed, len(entry.log)) == (1, 1, 0, 1)

    def test_bad_chunks_after_the_head_of_a_response_cut_it(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /stream HTTP/1.1") + b"1\r\na\r\n")
        received = b""
        while not received.endswith(b"1\r\na\r\n"):
            received += connection.socket.recv(1000)
        connection.send(b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.remains() == b"", "it has no end that could be taken for one"
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 1, 0)
        [logged] = entry.log
        assert logged.startswith(f"debug RW510 127.0.0.1:{connection.port}: 400 ")

    def test_bad_chunks_after_a_whole_response_end_the_connection(self, connection: Connection, books: Books) -> None:
        books.entry()
        connection.send(with_fields(CHUNKED, start=b"POST /ignore HTTP/1.1"))
        assert connection.response().text == "ignored"
        connection.send(b"zz\r\n\r\n0\r\n\r\n" + WITNESS)
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 1, 0)
        [logged] = entry.log
        assert logged.startswith(f"debug RW510 127.0.0.1:{connection.port}: 400 ")


class TestSection7_1_1ChunkExtensions:
    def test_they_are_ignored(self, accepted: Accepted) -> None:
        extensions = b';a;b=c; d = "e;\\"\\\\ \xff" ; f'
        [response] = accepted(chunked(b"1" + extensions + b"\r\nx\r\n0" + extensions + b"\r\n\r\n"))
        assert response.text == "x"

    @pytest.mark.parametrize(
        "extension",
        [
            b";",
            b"; ",
            b";\t",
            b";;",
            b";;a",
            b";a;",
            b";a;;b",
            b"; ;a",
            b';a="b',
            b';a=b"c',
            b';a="b"c',
            b';a="b\\"',
            b';a="\r\n"',
            b';"a"',
            b";a=",
            b";a=;b",
            b";=",
            b";=b",
            b";a=b=c",
            b";a b",
            b";a=b c",
            b";\xff",
            b";a=\xff",
            b";a\r",
            b";\ra",
            b";\n",
        ],
    )
    def test_malformed_ones_are_refused(self, refused: Refused, extension: bytes) -> None:
        assert refused(chunked(b"1" + extension + b"\r\na\r\n0\r\n\r\n"), heads=1) == 400
        assert refused(chunked(b"1\r\na\r\n0" + extension + b"\r\n\r\n"), heads=1) == 400

    def test_control_characters_in_them_are_refused(self, refused: Refused) -> None:
        sizes = [b"1;" + byte + b"a" for byte in CONTROLS] + [b"1;a" + byte + b"b" for byte in CONTROLS]
        assert refused.all([chunked(size + b"\r\na\r\n0\r\n\r\n") for size in sizes], heads=1) == 400

    @pytest.mark.parametrize("each", [1, 1000, 16 * 1024])
    def test_16_kib_of_them_are_taken_in_a_body(self, connection: Connection, each: int) -> None:
        count = 16 * 1024 // each
        chunks = (b"1;" + b"a" * each + b"\r\nx\r\n") * count
        assert connection.ask(chunked(chunks + b"0\r\n\r\n")).text == "x" * count
        assert connection.ask(GET).status == 200

    @pytest.mark.parametrize("each", [1, 1000, 16 * 1024 + 1])
    def test_more_are_refused(self, refused: Refused, each: int) -> None:
        chunks = (b"1;" + b"a" * each + b"\r\nx\r\n") * (16 * 1024 // each + 1)
        assert refused.all([chunked(chunks + b"0\r\n\r\n")], heads=1) == 400


class TestSection7_1_2ChunkedTrailerSection:
    def test_fields_come_with_the_end(self, accepted: Accepted) -> None:
        head = with_fields(CHUNKED, start=b"POST /facts HTTP/1.1")
        [response] = accepted(head + b"1\r\na\r\n0\r\nX-Sum: 1\r\nx-more:\t2 \r\n\r\n")
        facts = json.loads(response.body)
        assert (facts["body"], facts["trailers"]) == ("a", [["x-sum", "1"], ["x-more", "2"]])

    @pytest.mark.parametrize(
        "bad",
        [
            b"X : y",
            b"X",
            b": y",
            b" X: y",
            b"\tX: y",
            b"X: y\n",
            b"X: y\r",
            b"X: y\nZ: a",
            b"X: y\rZ: a",
            b"X:\ry",
            b"X: y\r\n z",
            b"X: y\r\n\tz",
            b" ",
            b"GET / HTTP/1.1",
        ],
    )
    def test_malformed_ones_are_refused(self, refused: Refused, bad: bytes) -> None:
        assert refused(chunked(b"0\r\n" + bad + b"\r\n\r\n"), heads=1) == 400

    def test_control_characters_in_them_are_refused(self, refused: Refused) -> None:
        for bad in (b"X: %sy", b"X: y%s", b"X:%s", b"X%s: y", b"%sX: y"):
            assert refused.all([chunked(b"0\r\n" + bad % byte + b"\r\n\r\n") for byte in CONTROLS], heads=1) == 400

    def test_up_to_100_are_taken(self, accepted: Accepted, refused: Refused) -> None:
        [response] = accepted(chunked(b"0\r\n" + b"X: y\r\n" * 100 + b"\r\n"))
        assert response.status == 200
        assert refused(chunked(b"0\r\n" + b"X: y\r\n" * 101 + b"\r\n"), heads=1) == 400

    def test_up_to_16_kib_are_taken(self, accepted: Accepted, refused: Refused) -> None:
        longest = b"X: " + b"y" * (16 * 1024 - 7) + b"\r\n\r\n"
        [response] = accepted(chunked(b"0\r\n" + longest))
        assert response.status == 200
        assert refused(chunked(b"0\r\n" + longest.replace(b"X", b"XX")), heads=1) == 400


class TestSection8IncompleteMessages:
    @pytest.mark.parametrize(
        "part",
        [
            b"GET",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n\r",
            b"GET /witness HTTP/1.1\r\nHost: a\r\n\r\r\n",
            with_fields(b"Content-Length: 5", start=b"GET /witness HTTP/1.1") + b"four",
            with_fields(CHUNKED, start=b"GET /witness HTTP/1.1") + b"1\r\na\r\n0\r\n",
        ],
    )
    def test_a_request_that_is_cut_off_is_not_served(self, connection: Connection, books: Books, part: bytes) -> None:
        books.entry()
        connection.send(part)
        books.settle()
        connection.socket.close()
        books.settle()
        entry = books.entry()
        assert (entry.refused, entry.witnessed, entry.log) == (0, 0, [])


class TestSection9_3Persistence:
    def test_a_connection_is_kept(self, accepted: Accepted) -> None:
        responses = accepted(GET * 3)
        assert [(response.status, response.field("connection")) for response in responses] == [(200, None)] * 3

    @pytest.mark.parametrize("option", [b"keep-alive", b"Keep-Alive", b"x, keep-alive"])
    def test_http_1_0_is_kept_where_it_is_asked_for(self, accepted: Accepted, option: bytes) -> None:
        [response] = accepted(b"GET / HTTP/1.0\r\nConnection: " + option + b"\r\n\r\n")
        assert response.field("connection") == "keep-alive"

    @pytest.mark.parametrize(
        "lines", [b"", b"Connection: close\r\n", b"Connection: keep-alive, close\r\n", b"Keep-Alive: 5\r\n"]
    )
    def test_http_1_0_is_not_kept_otherwise(self, connection: Connection, books: Books, lines: bytes) -> None:
        books.entry()
        response = connection.ask(b"GET / HTTP/1.0\r\n" + lines + b"\r\n" + WITNESS)
        assert (response.status, response.field("connection")) == (200, "close")
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.witnessed) == (1, 0)

    def test_it_is_kept_after_a_404_or_405(self, accepted: Accepted) -> None:
        responses = accepted(line(b"GET /nowhere HTTP/1.1") + line(b"DELETE / HTTP/1.1") + GET)
        assert [response.status for response in responses] == [404, 405, 200]

    @pytest.mark.parametrize(
        "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
    )
    def test_it_is_kept_after_an_unread_small_body(self, accepted: Accepted, body: bytes) -> None:
        responses = accepted(b"POST /ignore HTTP/1.1\r\nHost: a\r\n" + body + GET)
        assert [response.text for response in responses] == ["ignored", "Hello, World!"]

    @pytest.mark.parametrize("lines", [(b"Content-Length: 90000",), (CHUNKED,)])
    def test_it_is_kept_after_a_body_that_is_read_after_the_head_of_its_response(
        self, connection: Connection, lines: tuple[bytes, ...]
    ) -> None:
        connection.send(with_fields(*lines, start=b"POST /begun HTTP/1.1"))
        body = bytes(90_000)
        connection.send(body if lines != (CHUNKED,) else b"15f90\r\n" + body + b"\r\n0\r\n\r\n")
        response = connection.response()
        assert (response.text, response.field("connection")) == ("begun 90000", None)
        assert connection.ask(GET).status == 200


class TestSection9_3_2Pipelining:
    def test_responses_come_in_order(self, connection: Connection) -> None:
        requests = [b"GET /facts?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(50)]
        connection.send(b"".join(requests))
        for number in range(50):
            assert json.loads(connection.response().body)["target"] == f"/facts?{number}"

    def test_a_quick_response_does_not_overtake_a_slow_one(self, connect: Connect) -> None:
        slow, other = connect(), connect()
        slow.send(b"GET /held/first HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert other.ask(b"POST /release/first HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert slow.response().text == "first"
        assert slow.response().text == "Hello, World!"

    def test_a_refusal_does_not_overtake_a_slow_response(self, connect: Connect, books: Books) -> None:
        slow, other = connect(), connect()
        books.entry()
        slow.send(b"GET /held/second HTTP/1.1\r\nHost: a\r\n\r\n" + with_fields(b"X : y") + WITNESS)
        books.settle()
        assert books.entry().refused == 0
        assert other.ask(b"POST /release/second HTTP/1.1\r\nHost: a\r\n\r\n").status == 204
        assert slow.response().text == "second"
        assert slow.response().status == 400
        assert slow.end() == b""
        entry = books.entry()
        assert (entry.refused, entry.witnessed) == (1, 0)

    def test_requests_of_every_kind_in_sequence(self, accepted: Accepted) -> None:
        messages = (
            with_fields(b"Content-Length: 3") + b"abc",
            chunked(b"3\r\ndef\r\n0\r\n\r\n"),
            GET,
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            line(b"GET /nothing HTTP/1.1"),
            line(b"GET /unchanged HTTP/1.1"),
            line(b"GET /parts HTTP/1.1"),
        )
        responses = accepted(b"".join(messages))
        assert [response.text for response in responses] == [
            "abc",
            "def",
            "Hello, World!",
            "Hello, World!",
            "",
            "",
            "one two",
        ]


class TestSection9_6TearDown:
    @pytest.mark.parametrize("option", [b"close", b"Close", b"x, close", b"close, keep-alive", b"\tclose\t,"])
    def test_nothing_after_a_last_request_is_parsed(self, connection: Connection, books: Books, option: bytes) -> None:
        books.entry()
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + option + b"\r\n\r\n" + WITNESS)
        assert connection.response().field("connection") == "close"
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.witnessed) == (1, 0)

    @pytest.mark.parametrize("rest", [WITNESS, b"\x00", b"\r\n\r\n\r\n", with_fields(b"X : y")])
    def test_nothing_after_a_last_response_is_parsed(self, connection: Connection, books: Books, rest: bytes) -> None:
        books.entry()
        connection.send(line(b"GET /last HTTP/1.1") + rest + WITNESS)
        response = connection.response()
        assert (response.text, response.field("connection")) == ("last", "close")
        assert connection.end() == b""
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 0, 0)

    def test_nor_what_comes_later(self, connection: Connection, books: Books) -> None:
        books.entry()
        assert connection.ask(line(b"GET /last HTTP/1.1") + b"GET").text == "last"
        assert connection.end() == b""
        connection.send(b" /witness HTTP/1.1\r\nHost: a\r\n\r\n" + WITNESS)
        books.settle()
        entry = books.entry()
        assert (entry.requests, entry.refused, entry.witnessed) == (1, 0, 0)

    def test_a_client_that_still_sends_gets_to_read_its_response(self, connection: Connection) -> None:
        connection.send(with_fields(b"Content-Length: 30000000"))
        for _ in range(300):
            connection.send(b"x" * 100_000)
        response = connection.response()
        assert (response.status, response.field("connection")) == (413, "close")
        assert connection.end() == b""

    @on_sockets
    def test_a_half_closed_client_gets_its_responses(self, connection: Connection) -> None:
        connection.send(GET + GET)
        connection.socket.shutdown(1)
        assert connection.response().status == 200
        assert connection.response().status == 200
        assert connection.end() == b""


class TestSection11_2RequestSmuggling:
    """A message that two servers could read differently is refused."""

    @pytest.mark.parametrize(
        "message",
        [
            with_fields(b"Content-Length: %d" % (5 + len(WITNESS)), CHUNKED) + b"0\r\n\r\n",
            with_fields(CHUNKED, b"Content-Length: 3") + b"8\r\nSMUGGLED\r\n0\r\n\r\n",
            with_fields(b"Content-Length: 0", b"Content-Length: %d" % len(WITNESS)),
            with_fields(CHUNKED, b"Transfer-Encoding: identity") + b"0\r\n\r\n",
            with_fields(CHUNKED, b"Transfer-encoding: x") + b"0\r\n\r\n",
            with_fields(b"Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n",
            with_fields(b"Transfer-Encoding: chunked\r\n \r\nX: y") + b"0\r\n\r\n",
            with_fields(b"X: y\nTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"X: y\rTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"X: y\r\rTransfer-Encoding: chunked") + b"0\r\n\r\n",
            with_fields(b"Content-Length: +0"),
            with_fields(b"Content-Length: 0\x00"),
            with_fields(b"Content-Length: 0\r\n 5"),
            with_fields(b"\x00Content-Length: 5"),
        ],
    )
    def test_it_is_refused(self, refused: Refused, message: bytes) -> None:
        assert refused(message) == 400
