"""Request lines and header fields (RFC 9112, sections 2 to 5), a class for each section."""

import json

import pytest
from tests.wire.agreement import Accepted
from tests.wire.connection import GET
from tests.wire.refusals import Refused, with_fields

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

CONTROLS = [bytes([byte]) for byte in (*range(0x20), 0x7F) if byte != 0x09]

CHUNKED = b"Transfer-Encoding: chunked"


def line(start: bytes) -> bytes:
    """A request with this request line."""
    return start + b"\r\nHost: a\r\n\r\n"


def target(target: bytes) -> bytes:
    return line(b"GET " + target + b" HTTP/1.1")


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
