"""A pytest plugin for Starlette's tests: `pytest -p plugin --report FILE`."""

import json
from pathlib import Path
from typing import Any

import pytest
import through_the_engine  # type: ignore[import-not-found] # in the same folder when it runs

through_the_engine.put_in_place()

outcomes: dict[str, dict[str, Any]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--report", type=Path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests on event loops other than asyncio's, because the engine does not run on them."""
    others = [item for item in items if _backend(item) != "asyncio"]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _backend(item) == "asyncio"]


def _backend(item: pytest.Item) -> str:
    backend = item.callspec.params.get("anyio_backend", "asyncio") if hasattr(item, "callspec") else "asyncio"
    return str(backend if isinstance(backend, str) else f"{backend[0]} with options")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    through_the_engine.asked = 0
    outcome = yield
    outcomes.setdefault(item.nodeid, {"result": "skipped"})["requests"] = through_the_engine.asked
    return outcome


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome == "failed":
        as_expected = hasattr(report, "wasxfail") and report.outcome == "skipped"
        result = "passed" if as_expected else report.outcome
        outcomes[report.nodeid] = {"result": result, "detail": report.longreprtext}


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.getoption("--report").write_text(json.dumps(outcomes))
