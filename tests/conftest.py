"""For all tests: signals of their child processes."""

import signal


def pytest_configure() -> None:
    """Have child processes begin with the default actions of the signals that a shell or nohup(1) has had us ignore.

    A shell without job control, as in scripts, ignores SIGINT and SIGQUIT in what it runs in the background. Children
    inherit that, and servers that the tests stop by SIGINT would run on. A signal with a handler has its default action
    after exec(2), and this handler goes on ignoring it here.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
