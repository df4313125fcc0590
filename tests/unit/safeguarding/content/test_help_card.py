"""The help cards: by need, short, and with the numbers for everyone who needs them now."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.help_card_file import read_help_cards
from safeguarding.content.help_cards import OTHER_WAYS
from safeguarding.content.items import word_count
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.records import ContentError
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import CONTENT, Severity, taxonomy
from tests.content import real_content

HANDED_OVER = [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE]
NEEDS = sorted(set(taxonomy().needs) - {"danger_now"})
AUDIENCES = [None, "young_person", "parent", "professional"]


def told(severity: Severity, category: str = "physical_abuse") -> Assessment:
    return Assessment(severity, (category,), "self", ())


def after(*severities: Severity, audience: str | None = None) -> ConversationState:
    """Return the state after messages of these severities, each answered by its card."""
    state = ConversationState(audience=audience)
    for severity in severities:
        state = state.after(told(severity))
        if severity > Severity.NONE and state.need:
            danger = severity == Severity.IMMEDIATE
            state = state.shown("danger_now" if danger else state.need, severity)
    return state


def card(severity: Severity, audience: str | None = None, need: str = "unclear") -> Message:
    return real_content().help_cards.message(severity, audience, need)


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_every_need_has_a_card_for_every_reader(
    severity: Severity, audience: str | None, need: str
) -> None:
    shown = card(severity, audience, need)

    assert shown["kind"] == "help_card"
    assert shown["need"] == need
    assert shown["severity"] == severity.label
    assert "999" in shown["text"]
    assert word_count(shown["text"]) <= 90
    assert "emergency_999" in [contact["id"] for contact in shown["contacts"]]


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("severity", HANDED_OVER)
@pytest.mark.parametrize("need", NEEDS)
def test_it_is_honest_about_who_reads_it_and_sends_nobody(
    severity: Severity, audience: str | None, need: str
) -> None:
    text = card(severity, audience, need)["text"]

    assert text.endswith("please don't wait for them.")
    assert "can't send help" in text
    for words in ("I believe", "your fault", "soon", "promise"):
        assert words not in text


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("audience", AUDIENCES)
def test_in_immediate_danger_999_comes_before_anything_else(
    audience: str | None, need: str
) -> None:
    shown = card(Severity.IMMEDIATE, audience, need)

    assert shown["need"] == "danger_now"
    assert shown["text"].startswith("Call 999 now")
    assert "press 55" in shown["text"]
    assert shown["contacts"][0]["ways"][0]["href"] == "tel:999"


@pytest.mark.parametrize("need", ["own_behaviour", "unclear", "suicide", "friend"])
def test_a_card_that_somebody_who_hurt_another_may_read_blames_and_praises_nobody(
    need: str,
) -> None:
    for severity in (Severity.CONCERN, Severity.URGENT):
        text = card(severity, None, need)["text"].lower()
        assert "what they did" not in text
        assert "you did nothing wrong" not in text


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_a_card_about_own_behaviour_fits_a_child_with_a_temper_too(severity: Severity) -> None:
    shown = card(severity, None, "own_behaviour")

    assert "sex" not in shown["text"].lower()
    assert "shorespace" not in shown["text"]
    assert "ask_worried_about_own_thoughts" in [each["id"] for each in shown["choices"]]


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_an_adult_told_of_suicide_asks_directly_and_moves_what_could_be_used(
    severity: Severity,
) -> None:
    text = card(severity, "parent", "suicide")["text"]

    for words in ("ask them directly", "tablets", "call 111, mental health option"):
        assert words in text


@pytest.mark.parametrize("audience", ["parent", "professional"])
def test_an_adult_worried_about_a_child_gets_the_council_and_the_nspcc(audience: str) -> None:
    shown = card(Severity.URGENT, audience, "adult_for_child")

    assert [contact["id"] for contact in shown["contacts"]] == [
        "find_your_council", "nspcc_helpline", "emergency_999"
    ]  # fmt: skip


def test_whoever_has_not_said_who_they_are_is_spoken_to_as_a_young_person() -> None:
    assert card(Severity.URGENT, None) == card(Severity.URGENT, "young_person")


def test_where_nobody_can_say_how_serious_it_is_the_card_claims_nothing() -> None:
    shown = card(Severity.NONE)

    assert shown["severity"] == "none"
    assert "reads this" not in shown["text"]
    assert "Thank you" not in shown["text"]


def test_a_card_is_shown_once_then_one_line_stands_for_it() -> None:
    cards, first = real_content().help_cards, after(Severity.URGENT)
    second = first.after(told(Severity.URGENT))

    key = cards.due_key(first, second, Severity.URGENT)

    assert key.startswith("again-young_person-")
    line = dict(cards.agains())[key]
    assert word_count(line["text"]) <= 25
    assert "999" in line["text"]
    assert "0800 1111" in line["text"]


def test_a_graver_message_or_another_need_gets_a_card_of_its_own() -> None:
    cards, first = real_content().help_cards, after(Severity.CONCERN)
    second = after(Severity.URGENT)

    graver = first.after(told(Severity.URGENT))
    other = second.after(told(Severity.URGENT, "suicide"))

    assert cards.due_key(first, graver, Severity.URGENT) == "hurt_by_someone-urgent-young_person"
    assert cards.due_key(second, other, Severity.URGENT) == "suicide-urgent-young_person"


def test_after_danger_what_was_told_gets_its_own_card_once_too() -> None:
    cards, first = real_content().help_cards, after(Severity.IMMEDIATE)
    second = first.after(told(Severity.URGENT))

    assert cards.due_key(first, second, Severity.URGENT) == "hurt_by_someone-urgent-young_person"


def test_danger_told_twice_is_999_first_both_times_in_other_words() -> None:
    cards, first = real_content().help_cards, after(Severity.IMMEDIATE)
    second = first.after(told(Severity.IMMEDIATE))

    key = cards.due_key(first, second, Severity.IMMEDIATE)

    again = dict(cards.still_by_keys())[key]["text"]
    assert "999" in again.split(",")[0]
    assert again != card(Severity.IMMEDIATE)["text"]


@pytest.mark.parametrize("intent", [None, "greet", "thanks", "goodbye", "are_you_a_bot", "insult"])
@pytest.mark.parametrize("audience", [None, "parent"])
def test_small_talk_after_a_concern_stays_with_it_in_turn(
    audience: str | None, intent: str | None
) -> None:
    state = after(Severity.URGENT, audience=audience)
    seen = set()
    for _ in range(3):
        way = real_content().help_cards.still_here(state, intent)
        assert "999" in way["text"]
        assert "not_safe_now" in [choice["id"] for choice in way["choices"]]
        seen.add(way["text"])
        state = state.after(told(Severity.NONE))

    assert len(seen) >= 2


def test_after_danger_even_thanks_gets_999_first() -> None:
    state = after(Severity.IMMEDIATE)

    for intent in ("thanks", "goodbye", "tell_joke", None):
        assert "999" in real_content().help_cards.still_here(state, intent)["text"][:40]


def test_every_small_talk_with_words_of_its_own_is_a_kind_of_small_talk() -> None:
    for name in OTHER_WAYS:
        assert real_content().help_cards.by_still_key(f"{name}-young_person-0")["text"]


@pytest.mark.parametrize("audience", [None, "parent"])
def test_an_apology_stands_before_the_words_and_is_not_repeated(audience: str | None) -> None:
    cards, state = real_content().help_cards, ConversationState(audience=audience)
    answer = Message(kind="answer", text="A tutor can help.")

    first = cards.owning_up(answer, state)["text"]
    second = cards.owning_up(answer, state.after(told(Severity.NONE)))["text"]

    assert first.endswith(" A tutor can help.")
    assert first != second
    assert answer["text"] == "A tutor can help."


def test_a_card_that_was_shown_can_be_changed_without_harm() -> None:
    card(Severity.URGENT)["contacts"].clear()

    assert card(Severity.URGENT)["contacts"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("If you're ever in danger, call 999.", "", "says nothing of 999"),
        ('immediate: "Call 999 now', 'immediate: "Please call 999 now', "999 comes first"),
        ("Thank you for telling me.", "Word " * 60, "at most 50"),
        ("contacts: [emergency_999, childline]", "contacts: [nobody]", "no contact 'nobody'"),
        ("choices: [cannot_call", "choices: [no_such, cannot_call", "no button 'no_such'"),
        ("  friend:\n    young_person:\n      con", "  freind:\n    young_person:\n      con",
         "a card for each need"),
        ("        concern:", "        worry:", "has words for"),
        ("  goodbye:", "  farewell:", "words for each need and small talk"),
        ("If you're in danger or hurt now, call 999. Can't speak? Call 999 from a mobile, listen, "
         "and press 55 when asked.", "Hello.", "says nothing of 999"),
        ('    - "My mistake. Thanks for putting me right."\n    - "Sorry, I misread you."\n', "",
         "two ways or more"),
    ],
)  # fmt: skip
def test_refuses_a_card_that_would_not_help(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (CONTENT / "help_card.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "help_card.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContentError, match=words):
        read_help_cards(path, real_content().choices)
