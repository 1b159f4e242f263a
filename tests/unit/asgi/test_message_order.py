"""The table that defines the order of messages."""

import re

import pytest

from ropewalk.asgi import message_order
from ropewalk.asgi.message_order import STAGES, WHEN


def documented(stage: str) -> set[str]:
    """The messages in a row of the table that are not dropped."""
    rows = re.findall(rf"^\| {stage} \| [^|]* \| ([^|]*) \|$", f"{message_order.__doc__}", re.MULTILINE)
    return set(re.findall(r"`([a-z_.]+)`", rows[0]))


@pytest.mark.parametrize("stage", ["NEW", "HEAD", "TRAILERS", "COMPLETE", "GONE"])
def test_the_table_is_that_of_the_documentation(stage: str) -> None:
    assert {kind for kind, stages in STAGES.items() if getattr(message_order, stage) in stages} == documented(stage)


def test_the_body_takes_the_messages_of_the_kept_head() -> None:
    assert [message_order.BODY in stages for stages in STAGES.values()] == [
        message_order.HEAD in stages for stages in STAGES.values()
    ]


def test_every_stage_but_the_last_has_an_error() -> None:
    assert len(WHEN) == message_order.GONE
