"""structlog on Twisted's log."""

import sys
from collections.abc import Iterator

import pytest
import structlog
from tests.unit.conftest import Log
from twisted.logger import LogLevel

from ropewalk.errors import MissingPackage
from ropewalk.logs import configure_imported_structlog, configure_structlog


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("ropewalk.logs.tracking._tracking", [])
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_an_event(log: Log) -> None:
    logger = structlog.get_logger()
    assert configure_structlog()
    structlog.contextvars.bind_contextvars(guest="ada")
    logger.bind(room=5).info("{room} cleaned", floor=2, log_level="x")
    logger.debug("no")
    (event,) = log
    assert log.text == "{room} cleaned"
    assert (event["room"], event["floor"], event["guest"]) == (5, 2, "ada")
    assert (event["log_level"], event["log_namespace"]) == (LogLevel.info, __name__)


@pytest.mark.parametrize(
    ("method", "level"),
    [("warning", "warn"), ("error", "error"), ("critical", "critical"), ("info", "info")],
)
def test_levels(log: Log, method: str, level: str) -> None:
    configure_structlog()
    getattr(structlog.get_logger("hotel"), method)("x")
    assert log[0]["log_level"].name == level
    assert log[0]["log_namespace"] == "hotel"


def test_exceptions(log: Log) -> None:
    configure_structlog()
    logger = structlog.get_logger()
    error = ValueError("bad")
    try:
        raise error
    except ValueError:
        logger.exception("a")
        logger.error("b", exc_info=sys.exc_info())
    logger.error("c", exc_info=error)
    logger.error("d", exc_info=True)
    assert [getattr(event.get("log_failure"), "value", None) for event in log] == [error, error, error, None]
    assert not any("exc_info" in event for event in log)


def test_a_stack(log: Log) -> None:
    configure_structlog()
    logger = structlog.get_logger()
    logger.info("here", stack_info=True)
    logger.info("there", stack="of cards", stack_info=False)
    first, second = log
    assert "test_a_stack" in first["log_stack"]
    assert "stack" not in first
    assert (second["stack"], "log_stack" in second) == ("of cards", False)
    assert not any("stack_info" in event for event in log)


def test_a_configuration_of_the_program_stays() -> None:
    structlog.configure(processors=[])
    assert not configure_structlog()
    assert structlog.get_config()["processors"] == []


def test_only_a_program_that_imports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "structlog")
    configure_imported_structlog("info")
    monkeypatch.undo()
    assert not structlog.is_configured()
    configure_imported_structlog("info")
    assert structlog.is_configured()


def test_without_structlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "structlog", None)
    with pytest.raises(MissingPackage, match="RW333 configure_structlog needs structlog"):
        configure_structlog()
