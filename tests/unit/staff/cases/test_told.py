"""What a case tells is what was said in words: not what its messages are like together."""

from __future__ import annotations

from collections.abc import Sequence
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


def test_a_harm_counts_only_where_words_told_it() -> None:
    assert told_categories([TOLD, CARRIED], TOLD) == ("physical_abuse",)


def test_the_main_harm_is_that_of_the_message_to_read_first() -> None:
    graver = message(3, signal("model", "neglect"), signal("lexicon", "missing", CONCERN))

    assert told_categories([graver, TOLD], TOLD) == ("physical_abuse", "neglect", "missing")


def test_danger_stands_after_the_harm_and_distress_alone() -> None:
    danger = message(
        0, signal("lexicon", "immediate_danger", IMMEDIATE), signal("lexicon", "suicide")
    )
    sad = message(1, signal("lexicon", "distress", CONCERN))

    assert told_categories([danger, sad], danger) == ("suicide", "immediate_danger")
    assert told_categories([sad], sad) == ("distress",)


def test_a_build_up_is_of_its_main_category_alone() -> None:
    built = message(2, signal("conversation", "grooming"), categories=("grooming", "image_abuse"))

    assert told_categories([built], built) == ("grooming",)
    assert possible_categories([built], built, ("grooming",)) == ("image_abuse",)


def test_what_a_model_finds_possible_beside_what_was_told_is_kept_apart() -> None:
    told = message(1, signal("model", "grooming"), categories=("grooming", "image_abuse"))
    harmless = message(2, signal("conversation", "neglect"), categories=("neglect",))

    assert told_categories([told, harmless], told) == ("grooming",)
    assert possible_categories([told, harmless], told, ("grooming",)) == ("image_abuse",)


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
