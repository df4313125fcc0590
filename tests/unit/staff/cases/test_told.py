"""What a case tells is what was said in words: not what its messages are like together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from safeguarding.escalation import Escalation
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from staff.cases.told import (
    first_to_read,
    in_reading_order,
    line_that_tells,
    possible_categories,
    told_categories,
    told_severity,
    told_subject,
)
from tests.records import NOON, escalation

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def signal(kind: str, category: str, severity: Severity = URGENT) -> Signal:
    return Signal(kind, kind, "1", category, severity, 0, 4)


def message(
    minute: int, *signals: Signal, text: str = "words", subject: str = "self", **more: Sequence[str]
) -> Escalation:
    severity = max((each.severity for each in signals), default=NONE)
    named = more.get("categories", tuple(dict.fromkeys(each.category for each in signals)))
    found = Assessment(severity, tuple(named), subject, signals) if signals else NO_RISK
    at = NOON + timedelta(minutes=minute)
    return escalation(f"m{minute}", text=text, assessment=found, raised_at=at)


def told(first: Escalation, *others: Escalation) -> tuple[str, ...]:
    return told_categories([first, *others], first, lambda each: each.text)


def first_of(*messages: Escalation) -> str:
    return first_to_read(messages, lambda each: each.text).message_id


TOLD = message(1, signal("lexicon", "physical_abuse"), text="my dad hits me")
CARRIED = message(2, signal("conversation", "grooming"), text="and then")


@pytest.mark.parametrize("kind", ["lexicon", "combination", "model", "chat", "button", "answer"])
def test_words_and_buttons_of_a_message_tell(kind: str) -> None:
    assert told_severity(message(0, signal(kind, "grooming")).assessment) is URGENT


@pytest.mark.parametrize("kind", ["conversation", "length", "gateway"])
def test_what_no_words_of_a_message_cause_tells_nothing(kind: str) -> None:
    assert told_severity(message(0, signal(kind, "grooming")).assessment) is NONE


def test_a_later_message_that_is_as_severe_only_with_its_context_is_not_read_first() -> None:
    assert first_of(TOLD, CARRIED) == "m1"
    assert first_of(CARRIED, TOLD) == "m1"


def test_a_graver_one_goes_before_an_earlier_one() -> None:
    graver = message(3, signal("model", "immediate_danger", IMMEDIATE))

    assert first_of(TOLD, graver) == "m3"


def test_of_equally_grave_ones_the_reviewed_phrase_goes_first_then_the_earlier() -> None:
    guessed = message(0, signal("model", "neglect"))
    later = message(3, signal("lexicon", "neglect"))

    assert first_of(guessed, TOLD) == "m1"
    assert first_of(TOLD, later) == "m1"


def test_a_question_about_the_service_is_never_read_first() -> None:
    asks = message(0, signal("model", "distress", IMMEDIATE), text="what will they ask")

    assert first_of(asks, TOLD) == "m1"
    assert first_of(asks, CARRIED) == "m2"
    assert first_of(asks) == "m0"


def test_a_disclosure_in_a_question_about_the_service_is_a_disclosure() -> None:
    text = "will they believe me if i say he hits me"
    asks = message(3, signal("lexicon", "physical_abuse", IMMEDIATE), text=text)

    assert first_of(TOLD, asks) == "m3"


def test_a_build_up_without_a_clear_sentence_begins_where_it_became_severe() -> None:
    built = message(2, signal("conversation", "grooming"))
    after = message(3, signal("conversation", "grooming"))

    assert first_of(message(1), after, built) == "m2"


def test_a_case_without_a_message_is_an_error() -> None:
    with pytest.raises(ValueError, match="has a message"):
        first_of()


def test_only_as_many_words_are_opened_as_are_needed() -> None:
    opened = []

    def text_of(each: Escalation) -> str:
        opened.append(each.message_id)
        return each.text

    heard, quieter = (
        message(5, signal("model", "neglect")),
        message(6, signal("model", "x", CONCERN)),
    )
    first_to_read([CARRIED, heard, quieter], text_of)
    assert opened == ["m5"]

    first_to_read([CARRIED, heard, TOLD], text_of)
    assert opened == ["m5"]  # a reviewed phrase told it, whatever else is asked


def test_of_equally_grave_ones_a_sure_model_goes_first_then_the_earlier() -> None:
    unsure = replace(signal("model", "grooming"), weight=0.4)
    first, second = message(0, unsure), message(1, replace(unsure, weight=0.6))

    assert first_of(first, second) == "m1"
    assert first_of(second, message(2, replace(unsure, weight=0.99))) == "m1"


def test_a_harm_counts_only_where_words_told_it() -> None:
    assert told(TOLD, CARRIED) == ("physical_abuse",)


def test_the_harms_of_the_message_to_read_first_stand_in_front() -> None:
    other = message(3, signal("model", "neglect"), signal("lexicon", "missing", CONCERN))

    assert told(TOLD, other) == ("physical_abuse", "neglect", "missing")


def test_what_a_model_alone_hears_in_a_less_grave_message_was_not_told() -> None:
    vague = message(3, signal("model", "suicide", CONCERN), text="i dont want to")
    reviewed = message(4, signal("lexicon", "neglect", CONCERN))

    assert told(TOLD, vague, reviewed) == ("physical_abuse", "neglect")


def test_a_question_about_the_service_tells_no_harm() -> None:
    asks = message(3, signal("model", "honour_based_abuse"), text="what will they ask me")

    assert told(TOLD, asks) == ("physical_abuse",)


def test_of_the_harms_of_one_message_the_one_that_most_heard_is_the_main_one() -> None:
    both = message(
        0,
        replace(signal("lexicon", "domestic_abuse", IMMEDIATE), source="a"),
        replace(signal("lexicon", "physical_abuse"), source="b"),
        signal("model", "physical_abuse"),
    )

    assert told(both) == ("physical_abuse", "domestic_abuse")


def test_a_phrase_within_a_longer_one_of_another_harm_tells_nothing() -> None:
    out = Signal("thrown-out", "lexicon", "1", "missing", URGENT, 0, 17)
    kicked = Signal("kicked", "lexicon", "1", "physical_abuse", URGENT, 0, 13)
    dying = replace(kicked, category="suicide")

    assert told(message(0, out, kicked)) == ("missing",)
    assert told(message(0, replace(out, severity=CONCERN), kicked)) == ("physical_abuse", "missing")
    assert told(message(0, out, dying)) == ("missing", "suicide")


def test_danger_stands_after_the_harm_and_distress_alone() -> None:
    danger = message(
        0, signal("lexicon", "immediate_danger", IMMEDIATE), signal("lexicon", "suicide")
    )
    sad = message(1, signal("lexicon", "distress", CONCERN))

    assert told(danger, sad) == ("suicide", "immediate_danger")
    assert told(sad) == ("distress",)


def test_a_build_up_is_of_its_main_category_alone() -> None:
    built = message(2, signal("conversation", "grooming"), categories=("grooming", "image_abuse"))

    assert told(built) == ("grooming",)
    assert possible_categories([built], built, ("grooming",)) == ("image_abuse",)


def test_what_a_model_finds_possible_beside_what_was_told_is_kept_apart() -> None:
    heard = message(1, signal("model", "grooming"), categories=("grooming", "image_abuse"))
    harmless = message(2, signal("conversation", "neglect"), categories=("neglect",))

    assert told(heard, harmless) == ("grooming",)
    assert possible_categories([heard, harmless], heard, ("grooming",)) == ("image_abuse",)


def test_it_is_about_the_one_whom_the_message_to_read_first_names() -> None:
    of_friend = message(1, signal("lexicon", "self_harm"), subject="friend")
    unknown = message(0, signal("lexicon", "suicide"), subject="unknown")
    later = message(3, signal("conversation", "self_harm"), subject="own_child")

    assert told_subject([of_friend, later], of_friend) == "friend"
    assert told_subject([unknown, of_friend, later], unknown) == "friend"
    assert told_subject([unknown, later], unknown) == "unknown"


def test_the_order_does_not_depend_on_the_order_of_arrival() -> None:
    all_of_them = [TOLD, CARRIED, message(3, signal("model", "neglect", CONCERN)), message(4)]
    ids = [each.message_id for each in in_reading_order(all_of_them)]

    assert ids == ["m1", "m3", "m2", "m4"]
    assert ids == [each.message_id for each in in_reading_order(reversed(all_of_them))]


def test_the_line_that_tells_is_the_one_on_which_the_gravest_signal_fired() -> None:
    text = "hi\nmy dad hits me\nok"
    start = text.index("hits")
    told = Signal("x", "lexicon", "1", "physical_abuse", URGENT, start, start + 7)

    assert line_that_tells(text, [told, signal("conversation", "x", IMMEDIATE)]) == "my dad hits me"
    assert line_that_tells("hello there", []) == "hello there"


def test_a_long_line_is_cut_around_the_words_that_tell() -> None:
    text = "well " * 60 + "my dad hits me" + " and so on" * 60
    start = text.index("hits")
    told = Signal("x", "lexicon", "1", "physical_abuse", URGENT, start, start + 7)

    line = line_that_tells(text, [told])

    assert "my dad hits me" in line
    assert line.startswith("… ")
    assert line.endswith(" …")
    assert len(line) <= 124


@pytest.mark.parametrize(("start", "end"), [(0, 900), (-3, 2), (7, 3)])
def test_a_span_that_does_not_fit_the_text_cuts_nothing(start: int, end: int) -> None:
    odd = Signal("x", "lexicon", "1", "physical_abuse", URGENT, start, end)

    assert line_that_tells("my dad hits me", [odd]) == "my dad hits me"
