"""Merging two accounts of one message never loses what is grave or what the person saw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safeguarding.escalation import merged
from safeguarding.risk.assessment import Signal, Turn
from safeguarding.taxonomy import Severity
from tests.records import CHILDLINE, GIFTS, MASH, assessment, escalation

SEVERITIES = st.sampled_from(Severity)
SIGNALS = st.lists(
    st.builds(
        Signal,
        st.sampled_from(["a", "b", "c"]),
        st.just("lexicon"),
        st.just("v1"),
        st.sampled_from(["grooming", "missing"]),
        SEVERITIES,
        st.integers(0, 3),
        st.integers(4, 9),
    ),
    min_size=1,
)


@given(SEVERITIES, SIGNALS, SEVERITIES, SIGNALS)
def test_never_lowers_and_never_forgets(
    one: Severity, ones: list[Signal], two: Severity, twos: list[Signal]
) -> None:
    known = escalation(assessment=assessment(one, *ones))
    new = escalation(assessment=assessment(two, *twos))

    result = merged(known, new).assessment

    assert result.severity == max(one, two)
    assert set(result.signals) == {*ones, *twos}
    assert set(result.categories) == {signal.category for signal in (*ones, *twos)}


def test_fills_in_what_the_first_writer_did_not_know() -> None:
    known = escalation(shown=(), turns_before=(), audience=None, area=None)
    new = escalation(shown=("Help.",), turns_before=(Turn("user", "x"),), area="wales")

    result = merged(known, new)

    assert (result.shown, result.turns_before) == (new.shown, new.turns_before)
    assert (result.audience, result.area) == ("young_person", "wales")


def test_adds_the_facts_that_became_known_and_the_age() -> None:
    known = escalation(facts=("pictures", "money"))
    new = escalation(age=13, facts=("money", "weapon"))

    result = merged(known, new)

    assert (result.age, result.facts) == (13, ("pictures", "money", "weapon"))


def test_what_the_gateway_says_was_shown_replaces_what_was_noted_before() -> None:
    known = escalation(shown=("Half of it.",), raised_by="assistant")
    new = escalation(shown=("Help first.", "Half of it."), raised_by="gateway")

    assert merged(known, new).shown == ("Help first.", "Half of it.")


def test_the_contacts_follow_what_was_shown() -> None:
    old = escalation(shown=("Help.",), contacts=(MASH,))

    assert merged(old, escalation(shown=("More.",), contacts=(CHILDLINE,))).contacts == (CHILDLINE,)
    assert merged(old, escalation(shown=("More.",), contacts=())).contacts == ()
    # Who says nothing of contacts takes none away.
    assert merged(old, escalation(shown=("More.",))).contacts == (MASH,)
    assert merged(old, escalation(shown=(), contacts=())).contacts == (MASH,)


def test_an_account_that_does_not_say_what_was_shown_takes_nothing_away() -> None:
    assert merged(escalation(shown=("Help.",)), escalation(shown=())).shown == ("Help.",)


def test_an_old_account_drained_late_does_not_hide_what_the_person_saw() -> None:
    known = escalation(shown=("Help first.", "Half of it."), raised_by="gateway")
    new = escalation(shown=("Half of it.",), raised_by="assistant")

    assert merged(known, new).shown == known.shown


def test_keeps_what_the_first_writer_knew() -> None:
    known = escalation(extra={"fallback": "rasa-timeout"})
    new = escalation(shown=("other",), text="other", raised_by="assistant", extra={"choice": "a"})

    result = merged(known, new)

    assert (result.shown, result.text) == (known.shown, known.text)
    assert result.raised_by == "gateway"
    assert result.extra == {"fallback": "rasa-timeout", "choice": "a"}


def test_a_second_telling_of_the_same_changes_nothing() -> None:
    known = escalation(assessment=assessment(Severity.URGENT, GIFTS))

    assert merged(known, known) == known
