"""Adds a host to the URLs `http:///...` of Tahoe-LAFS's tests, which have none (RFC 9110, section 4.2.1)."""

from typing import Any

from allmydata.test.web import test_logs, test_private


class PrivacyWithHost(test_private.PrivacyTests):
    """The tests of `PrivacyTests`, with a host in their URLs."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


class LogsWithHost(test_logs.StreamingEliotLogsTests):
    """The tests of `StreamingEliotLogsTests`, with a host in their URLs."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


def give_host(agent: Any) -> None:
    """If the URL of a request has no host, let the agent add one."""
    request = agent.request

    def asked(method: bytes, uri: bytes, *arguments: Any, **options: Any) -> Any:
        return request(method, uri.replace(b"http:///", b"http://localhost/"), *arguments, **options)

    agent.request = asked
