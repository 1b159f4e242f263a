"""`logging` in Twisted's log."""

import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.unit.conftest import Log
from twisted.logger import LogLevel, STDLibLogObserver, globalLogPublisher

from ropewalk.logs import TwistedHandler, forward_logging

ROOT = logging.getLogger()


@contextmanager
def unconfigured() -> Iterator[None]:
    """The root logger as in a new process. pytest adds handlers to it, after fixtures were set up."""
    handlers, level = ROOT.handlers[:], ROOT.level
    ROOT.handlers[:] = []
    ROOT.setLevel(logging.WARNING)
    try:
        yield
    finally:
        ROOT.handlers[:] = handlers
        ROOT.setLevel(level)


@contextmanager
def forwarding() -> Iterator[None]:
    """`logging` is forwarded."""
    with unconfigured():
        end = forward_logging("info")
        try:
            yield
        finally:
            end()
        assert "addHandler" not in vars(ROOT)


class TestRecords:
    @forwarding()
    def test_info_is_included(self, log: Log) -> None:
        logging.getLogger("hotel").info("room %s", 5, extra={"guest": "ada", "log_format": "x"})
        logging.getLogger("hotel").debug("no")
        (event,) = log
        assert event["log_text"] == log.text == "room 5"
        assert (event["log_namespace"], event["log_level"], event["guest"]) == ("hotel", LogLevel.info, "ada")
        assert event["log_time"] > 0

    @forwarding()
    def test_the_functions_of_the_module(self, log: Log) -> None:
        logging.info("hello")
        assert log.text == "hello"

    @pytest.mark.parametrize(
        ("number", "level"),
        [(60, "critical"), (50, "critical"), (45, "error"), (30, "warn"), (20, "info")],
    )
    @forwarding()
    def test_levels(self, log: Log, number: int, level: str) -> None:
        logging.log(number, "x")
        assert log[0]["log_level"].name == level

    @forwarding()
    def test_exceptions(self, log: Log) -> None:
        try:
            raise ValueError("bad")
        except ValueError:
            logging.exception("failed")
        assert log[0]["log_failure"].value.args == ("bad",)
        assert log[0]["log_failure"].getTracebackObject() is not None

    @forwarding()
    def test_a_stack(self, log: Log) -> None:
        logging.info("here", stack_info=True)
        logging.info("there")
        first, second = log
        assert first["log_stack"].startswith("Stack (most recent call last):\n")
        assert "test_a_stack" in first["log_stack"]
        assert "log_stack" not in second

    @pytest.mark.parametrize(
        ("message", "arguments"), [("%d rooms", ("a",)), ("%s %s", (1,)), ("%(x)s", ({},)), ("%", (1,))]
    )
    @forwarding()
    def test_arguments_that_do_not_fit_cost_no_line(
        self, log: Log, capsys: pytest.CaptureFixture[str], message: str, arguments: tuple[object, ...]
    ) -> None:
        logging.info(message, *arguments)
        assert log.text.startswith(f"{message} (the arguments ")
        assert __file__ in log.text
        assert capsys.readouterr().err == ""

    @forwarding()
    def test_braces_are_not_a_format(self, log: Log) -> None:
        logging.info("{log_source.x}")
        assert log.text == "{log_source.x}"

    @forwarding()
    def test_events_do_not_come_back(self, log: Log) -> None:
        observer = STDLibLogObserver()
        globalLogPublisher.addObserver(observer)
        try:
            logging.warning("once")
        finally:
            globalLogPublisher.removeObserver(observer)
        assert log.text == "once"


class TestConfiguration:
    """A program that configures `logging` replaces the forwarding."""

    @pytest.mark.parametrize("way", ["basicConfig", "addHandler", "dictConfig"])
    @forwarding()
    def test_replaces_it(self, log: Log, way: str) -> None:
        own = logging.NullHandler()
        match way:
            case "basicConfig":
                logging.basicConfig(handlers=[own])
            case "addHandler":
                ROOT.addHandler(own)
            case _:
                logging.config.dictConfig(
                    {"version": 1, "handlers": {"own": {"class": "logging.NullHandler"}}, "root": {"handlers": ["own"]}}
                )
        assert len(ROOT.handlers) == 1
        assert isinstance(ROOT.handlers[0], logging.NullHandler)
        assert ROOT.level == logging.WARNING
        logging.warning("x")
        assert log == []

    @forwarding()
    def test_a_level_of_the_program_stays(self) -> None:
        ROOT.setLevel(logging.INFO)
        logging.basicConfig(handlers=[logging.NullHandler()])
        assert ROOT.level == logging.INFO

    @unconfigured()
    def test_an_earlier_one_stays(self, log: Log) -> None:
        ROOT.addHandler(own := logging.NullHandler())
        forward_logging("debug")()
        assert ROOT.handlers == [own]
        assert ROOT.level == logging.WARNING

    @unconfigured()
    def test_the_end_restores_the_level(self) -> None:
        basic_config = logging.basicConfig
        end = forward_logging("debug")
        assert logging.getLogger("a.b").isEnabledFor(logging.DEBUG)
        end()
        assert ROOT.handlers == []
        assert ROOT.level == logging.WARNING
        assert not logging.getLogger("a.b").isEnabledFor(logging.DEBUG)
        assert logging.basicConfig is basic_config


def test_an_observer_that_logs_does_not_recurse() -> None:
    handled: list[str] = []
    logger = logging.getLogger("recursive")

    def publish(event: dict[str, object]) -> None:
        handled.append(f"{event['log_text']}")
        logger.warning("again")

    logger.addHandler(handler := TwistedHandler(publish))
    try:
        logger.warning("first")
    finally:
        logger.removeHandler(handler)
    assert handled == ["first"]
