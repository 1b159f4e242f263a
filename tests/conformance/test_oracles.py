"""Our engine, h11 and llhttp read generated conversations in the same way, except for the listed differences.

`python -m tests.conformance 100000` compares more of them.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conformance import ours
from tests.conformance.comparing import ORACLES, disagreements
from tests.conformance.messages import BEHIND, conversations, cuts, one_by_one
from tests.conformance.rules import LENIENCES, RULES, Lenience, Raw, Rule


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_they_agree(data: st.DataObject) -> None:
    assert disagreements(data.draw(cuts(data.draw(conversations())))) == []


def test_they_agree_on_every_word() -> None:
    assert [what for data in one_by_one() for what in disagreements([data])] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.refusal)
def test_we_are_stricter(rule: Rule) -> None:
    """Each rule explains a real difference: our engine refuses the example of the rule for this reason, and at least
    one oracle accepts the example."""
    reading = ours.read([rule.example])
    assert (reading.ending, reading.why) == ("refused", rule.refusal)
    assert rule.holds(Raw(rule.example))
    assert any(read(rule.example).complete for read in ORACLES.values())
    assert disagreements([rule.example]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.refusal)
def test_no_rule_excuses_everything(rule: Rule) -> None:
    assert not rule.holds(Raw(BEHIND))


@pytest.mark.parametrize("lenience", LENIENCES, ids=lambda lenience: lenience.refusal)
def test_we_are_more_lenient(lenience: Lenience) -> None:
    assert ours.read([lenience.example]).complete
    assert any(read(lenience.example).why.startswith(lenience.refusal) for read in ORACLES.values())
    assert lenience.holds(Raw(lenience.example))
    assert not lenience.holds(Raw(BEHIND))
