"""Those tests of Tahoe-LAFS whose URLs are `http:///...`, without a host (RFC 9110, section 4.2.1), with one."""

from typing import Any

from allmydata.test.web import test_logs, test_private


class PrivacyWithHost(test_private.PrivacyTests):
    """The same tests."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


class LogsWithHost(test_logs.StreamingEliotLogsTests):
    """The same tests."""

    def setUp(self) -> None:
        super().setUp()
        give_host(self.agent)


def give_host(agent: Any) -> None:
    """Have an agent send requests whose URL names no host to a host."""
    request = agent.request

    def asked(method: bytes, uri: bytes, *arguments: Any, **options: Any) -> Any:
        return request(method, uri.replace(b"http:///", b"http://localhost/"), *arguments, **options)

    agent.request = asked
