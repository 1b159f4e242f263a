"""Daphne: its tests, which only the source package has, and an ASGI app."""

from pathlib import Path

from interop.program import LeftOut, Program, Suite

NO_HOST = (
    "An HTTP/1.1 request without a Host gets 400 (RFC 9112, section 3.2). The next suite "
    "sends the same requests in HTTP/1.0, which needs no Host."
)

UNSHRUNK = ("-p", "interop.daphne.unshrunk")

WITHOUT_HOST = (
    "TestHTTPRequest::test_duplicate_headers",
    "TestHTTPRequest::test_get_request",
    "TestHTTPRequest::test_headers",
    "TestHTTPRequest::test_headers_are_lowercased_and_stripped",
    "TestHTTPRequest::test_kitchen_sink",
    "TestHTTPRequest::test_minimal_request",
    "TestHTTPRequest::test_post_request",
    "TestHTTPRequest::test_raw_path",
    "TestHTTPRequest::test_request_body_chunking",
    "TestHTTPRequest::test_root_path_header",
    "TestHTTPRequest::test_x_forwarded_for_ignored",
    "TestHTTPRequest::test_x_forwarded_for_no_port",
    "TestHTTPRequest::test_x_forwarded_for_parsed",
    "TestHTTPResponse::test_body",
    "TestHTTPResponse::test_chunked_response",
    "TestHTTPResponse::test_chunked_response_empty",
    "TestHTTPResponse::test_custom_status_code",
    "TestHTTPResponse::test_headers",
    "TestHTTPResponse::test_headers_type",
    "TestHTTPResponse::test_minimal_response",
)

PROGRAM = Program(
    name="Daphne",
    package="daphne",
    folder=Path(__file__).parent,
    tests_in="daphne==4.2.3 --hash=sha256:1c458f81926b37301cadc8ec1b6316d9a5db53fba061fc4826610395fe5d5c81",
    suites=(
        Suite("its own tests", "pytest", ("tests",), UNSHRUNK, left_out=(LeftOut(NO_HOST, WITHOUT_HOST),)),
        Suite(
            "its own tests, as requests of HTTP/1.0, which need no Host",
            "pytest",
            ("tests",),
            (*UNSHRUNK, "-p", "interop.daphne.older"),
        ),
        Suite(
            "an ASGI app over HTTP and WebSocket", "pytest", ("test_daphne.py",), ("-p", "no:asyncio"), by_itself=True
        ),
    ),
)
