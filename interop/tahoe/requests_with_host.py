"""Adds a host to the URLs `http:///...` of Tahoe-LAFS's tests, which have none (RFC 9110, section 4.2.1)."""

from typing import Any

from allmydata.test.web import test_logs, test_private


class PrivacyWithHost(test_private.PrivacyTests):
    """The test classes with a host in their URLs."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


class LogsWithHost(test_logs.StreamingEliotLogsTests):
    """The test classes with a host in their URLs."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


def give_host(agent: Any) -> None:
    """Have an agent send requests without a host in their URL to a host."""
    request = agent.request

    def asked(method: bytes, uri: bytes, *arguments: Any, **options: Any) -> Any:
        return request(method, uri.replace(b"http:///", b"http://localhost/"), *arguments, **options)

    agent.request = asked
