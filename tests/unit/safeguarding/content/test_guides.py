"""Guides: one thing to do at a time, by buttons that always lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.guides import (
    ENTITY,
    INTENT,
    STOP,
    GuidePhrases,
    GuidePosition,
    GuideRecord,
    Guides,
    guide_choices,
    read_guide,
    read_guides,
)
from safeguarding.conversation_state import ConversationState
from safeguarding.records import ContentError
from safeguarding.taxonomy import Severity
from tests.content import real_content

TEXT = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
id: blackmail
title: Somebody blackmails me
needs: [hurt_by_someone, adult_for_child]
categories: [image_abuse, grooming]
topics: [sextortion]
words: [threat, "50"]
severities: [urgent, immediate]
sources:
  - {title: Help, publisher: CEOP, url: "https://ceop.police.uk", date: null, read_on: 2026-11-25}
steps:
  - id: stop
    young_person: Stop replying.
    adult: Help them stop.
    next: I have stopped
  - id: wait
    adult: Stay calm.
    next: I am calm
    ways: [ceop]
  - id: tell
    young_person: Tell an adult.
    adult: Tell the police.
    next: Done
    ways: [childline, police_101]
end:
  young_person: You did it.
  adult: You have done it.
"""
PHRASES = GuidePhrases(back="Back", stop="Stop", resume="Go on: {title}")
SAFE = ChoiceRecord("not_safe_now", "I'm not safe", "say_not_safe")
CHILD, ADULT = "young_person", "adult"


def read(folder: Path, text: str = TEXT, name: str = "blackmail") -> GuideRecord:
    path = folder / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    return read_guide(path)


@pytest.fixture
def record(tmp_path: Path) -> GuideRecord:
    return read(tmp_path)


def changed(record: GuideRecord, id_: str, **changes: object) -> GuideRecord:
    """Return the same guide under another id, with changes."""
    return msgspec.structs.replace(record, id=id_, **changes)


def guides(*records: GuideRecord) -> Guides:
    choices = Choices([SAFE], {}, {}, guide_choices(records, PHRASES))
    return Guides({each.id: each for each in records}, choices)


def told(
    need: str | None = "hurt_by_someone",
    severity: Severity = Severity.URGENT,
    audience: str | None = None,
) -> ConversationState:
    return ConversationState(severity=severity, need=need, audience=audience)


def found(
    records: Iterable[GuideRecord],
    state: ConversationState | None = None,
    categories: tuple[str, ...] = ("image_abuse",),
    text: str = "",
) -> list[str]:
    return guides(*records).for_message(state or told(), categories, text)


def test_a_guide_is_offered_to_whoever_tells_what_it_is_for(record: GuideRecord) -> None:
    assert found([record]) == ["blackmail"]
    assert found([record], told("adult_for_child")) == ["blackmail"]
    assert found([record], categories=("bullying", "grooming")) == ["blackmail"]


@pytest.mark.parametrize(
    ("state", "categories"),
    [
        (told("friend"), ("image_abuse",)),
        (told(None), ("image_abuse",)),
        (told(severity=Severity.CONCERN), ("image_abuse",)),
        (told(), ("bullying",)),
        (told(), ()),
    ],
    ids=["another need", "nothing told", "not so grave", "another risk", "no risk"],
)
def test_it_is_offered_to_nobody_else(
    record: GuideRecord, state: ConversationState, categories: tuple[str, ...]
) -> None:
    assert found([record], state, categories) == []


def test_it_is_not_offered_to_a_reader_to_whom_it_says_nothing(record: GuideRecord) -> None:
    for_adults = without(record, CHILD)

    assert found([for_adults]) == []
    assert found([for_adults], told(audience="parent")) == ["blackmail"]


def without(record: GuideRecord, reader: str) -> GuideRecord:
    """Return the guide without the words for one reader."""
    steps = [msgspec.structs.replace(step, **{reader: None}) for step in record.steps]
    end = msgspec.structs.replace(record.end, **{reader: None})
    return msgspec.structs.replace(record, steps=steps, end=end)


def test_the_likeliest_risk_comes_first_and_what_is_far_from_it_is_left_out(
    record: GuideRecord,
) -> None:
    abuse = changed(record, "abuse", categories=["image_abuse"])
    bullying = changed(record, "bullying", categories=["bullying"])

    assert found([bullying, abuse], categories=("image_abuse", "bullying")) == ["abuse"]
    assert found([bullying, abuse], categories=("bullying", "image_abuse")) == ["bullying"]


def test_of_two_alike_the_narrower_comes_first_and_there_are_never_three(
    record: GuideRecord,
) -> None:
    narrow = changed(record, "narrow", categories=["image_abuse"])
    wide = changed(record, "wide", categories=["image_abuse", "grooming", "neglect"])

    assert found([wide, record, narrow]) == ["narrow", "blackmail"]


def test_the_words_of_a_message_count_more_than_which_risk_is_likeliest(
    record: GuideRecord,
) -> None:
    paid = changed(record, "paid", categories=["bullying", "neglect"], words=["paid"])
    likeliest = ("image_abuse", "bullying")

    assert found([record, paid], categories=likeliest, text="I paid him") == ["paid"]
    assert found([record, paid], categories=likeliest, text="unpaid") == ["blackmail"]


@pytest.mark.parametrize("text", ["He THREATENS me", "he wants 50", "it's a threat!", "50quid"])
def test_a_message_speaks_of_it_by_the_beginning_of_a_word(record: GuideRecord, text: str) -> None:
    assert guides(record).is_about("blackmail", text)


@pytest.mark.parametrize("text", ["", "he wants 150", "unthreatened"])
def test_the_middle_of_a_word_says_nothing(record: GuideRecord, text: str) -> None:
    assert not guides(record).is_about("blackmail", text)


def test_danger_by_itself_does_not_say_which_guide_the_words_must(record: GuideRecord) -> None:
    danger = changed(record, "danger", needs=["danger_now"], categories=["immediate_danger"])
    now = told(severity=Severity.IMMEDIATE)

    assert found([danger], now, ("immediate_danger",), "help") == []
    assert found([danger], now, ("immediate_danger",), "he threatens me") == ["danger"]


def test_a_guide_stands_for_the_article_that_says_the_same(record: GuideRecord) -> None:
    assert guides(record).covers("blackmail", "sextortion")
    assert not guides(record).covers("blackmail", "consent")
    assert not guides(record).covers("blackmail", None)


def test_the_button_that_begins_it_says_its_title(record: GuideRecord) -> None:
    assert guides(record).button("blackmail") == {
        "id": "guide_blackmail",
        "label": "Somebody blackmails me",
    }


def test_each_button_names_the_step_that_it_leads_on_from(record: GuideRecord) -> None:
    buttons = {each.id: each for each in guide_choices([record], PHRASES)}

    assert buttons["guide_blackmail"].entities == {ENTITY: "blackmail/resume/0"}
    assert buttons["guide_blackmail_after_1"].entities == {ENTITY: "blackmail/after/1"}
    assert buttons["guide_blackmail_after_1"].label == "I am calm"
    assert buttons["guide_blackmail_back_3"].entities == {ENTITY: "blackmail/back/3"}
    assert buttons["guide_blackmail_resume_2"].label == "Go on: Somebody blackmails me"
    assert {each.intent for each in buttons.values()} == {INTENT, "say_something_else"}
    assert buttons[STOP].intent == "say_something_else"


def test_no_two_buttons_have_the_same_id(record: GuideRecord) -> None:
    ids = [each.id for each in guide_choices([record, changed(record, "other")], PHRASES)]

    assert len(ids) == len(set(ids))


def test_a_step_is_one_thing_to_do_with_the_ways_on_back_and_out(record: GuideRecord) -> None:
    shown = guides(record).message(GuidePosition("blackmail", 2), CHILD)

    assert shown is not None
    assert shown["kind"] == "prompt"
    assert (shown["topic"], shown["title"]) == ("guide_blackmail/2", "Somebody blackmails me")
    assert shown["text"] == "Tell an adult."
    assert [(choice["id"], choice["label"]) for choice in shown["choices"]] == [
        ("guide_blackmail_after_2", "Done"),
        ("guide_blackmail_back_2", "Back"),
        ("not_safe_now", "I'm not safe"),
        (STOP, "Stop"),
    ]


def test_the_first_step_leads_on_only_and_the_end_back_only(record: GuideRecord) -> None:
    def ways(at: int) -> list[str]:
        shown = guides(record).message(GuidePosition("blackmail", at), CHILD)
        assert shown is not None
        return [choice["id"] for choice in shown["choices"]]

    assert ways(0) == ["guide_blackmail_after_0", "not_safe_now", STOP]
    assert ways(3) == ["guide_blackmail_back_3", "not_safe_now", STOP]


@pytest.mark.parametrize(
    ("step", "reader", "at"),
    [
        ("blackmail/resume/0", CHILD, 0),
        ("blackmail/after/0", CHILD, 2),
        ("blackmail/after/0", ADULT, 1),
        ("blackmail/after/2", CHILD, 3),
        ("blackmail/after/99", CHILD, 3),
        ("blackmail/back/2", CHILD, 0),
        ("blackmail/back/2", ADULT, 1),
        ("blackmail/back/3", CHILD, 2),
        ("blackmail/back/0", CHILD, 0),
        ("blackmail/resume/2", CHILD, 2),
        ("blackmail/resume/3", CHILD, 3),
        ("blackmail/resume/1", CHILD, 0),
        ("blackmail/resume/99", CHILD, 0),
    ],
)
def test_a_button_leads_to_the_next_step_that_says_something_to_this_reader(
    record: GuideRecord, step: str, reader: str, at: int
) -> None:
    assert guides(record).moved(step, reader) == GuidePosition("blackmail", at)


@pytest.mark.parametrize(
    "step", ["", "blackmail", "blackmail/after", "blackmail/after/x", "other/after/0", "/after/0"]
)
def test_a_button_of_an_old_page_that_leads_nowhere_is_known(
    record: GuideRecord, step: str
) -> None:
    assert guides(record).moved(step, CHILD) is None


@pytest.mark.parametrize("move", ["resume", "after", "back"])
def test_a_guide_that_says_nothing_to_this_reader_leads_nowhere(
    record: GuideRecord, move: str
) -> None:
    for_adults = guides(without(record, CHILD))

    place = for_adults.moved(f"blackmail/{move}/1", CHILD)

    assert place is None or for_adults.message(place, CHILD) is None


def test_a_step_without_words_for_this_reader_is_not_shown(record: GuideRecord) -> None:
    assert guides(record).message(GuidePosition("blackmail", 1), CHILD) is None
    assert guides(record).message(GuidePosition("blackmail", 1), ADULT) is not None


def test_each_step_comes_with_who_helps_with_it_and_the_end_with_nobody(
    record: GuideRecord,
) -> None:
    ids = [guides(record).contact_ids(GuidePosition("blackmail", at)) for at in range(4)]

    assert ids == [[], ["ceop"], ["childline", "police_101"], []]


def test_a_guide_that_was_left_can_be_gone_on_with_until_its_end(record: GuideRecord) -> None:
    assert guides(record).resume("blackmail/1") == {
        "id": "guide_blackmail_resume_1",
        "label": "Go on: Somebody blackmails me",
    }
    assert guides(record).resume("blackmail/3") is None
    assert guides(record).resume("other/1") is None


def test_all_that_each_reader_reads_has_its_reading_level_measured(record: GuideRecord) -> None:
    assert record.readings == {
        "young_person": "Stop replying.\nTell an adult.\nYou did it.",
        "parent": "Help them stop.\nStay calm.\nTell the police.\nYou have done it.",
    }
    assert list(without(record, CHILD).readings) == ["parent"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("id: blackmail", "id: sextortion", "blackmail.yml:2: the file is called blackmail"),
        ("hurt_by_someone, ", "cake, ", "blackmail.yml:4: no such word: cake"),
        ("[image_abuse, ", "[cake, ", "blackmail.yml:5: no such word: cake"),
        ("[urgent, immediate]", "[grave]", "grave"),
        ("    next: Done\n", "", "missing required field `next`"),
        ("  - id: wait\n    adult: Stay calm.\n", "  - id: wait\n", "says nothing"),
        ("Stop replying.", "stop " * 41, "blackmail.yml:13: over 40 words"),
        ("  young_person: You did it.\n", "", "young_person: steps and an end, or neither"),
        ("  adult: You have done it.\n", "", "adult: steps and an end, or neither"),
        ("title:", "colour: red\ntitle:", "unknown field `colour`"),
        ("provenance:", "origin:", "origin"),
    ],
)
def test_refuses_a_guide_with_a_dead_end(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in TEXT

    with pytest.raises(ContentError) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))

    assert problem in str(caught.value)


def test_a_guide_rests_on_a_source(tmp_path: Path) -> None:
    before, _, rest = TEXT.partition("sources:\n")
    text = f"{before}sources: []\n{rest[rest.index('steps:') :]}"

    with pytest.raises(ContentError, match=r"blackmail\.yml:9: no source"):
        read(tmp_path, text)


@pytest.mark.parametrize(("count", "sound"), [(1, False), (2, True), (7, True), (8, False)])
def test_a_guide_has_two_to_seven_steps(tmp_path: Path, count: int, *, sound: bool) -> None:
    before, _, rest = TEXT.partition("steps:\n")
    steps = "".join(
        f"  - {{id: s{at}, young_person: Do it., adult: Do it., next: Done}}\n"
        for at in range(count)
    )
    text = f"{before}steps:\n{steps}{rest[rest.index('end:') :]}"

    if sound:
        assert len(read(tmp_path, text).steps) == count
        return
    with pytest.raises(ContentError, match=f"{count} steps; 2 to 7"):
        read(tmp_path, text)


def test_reads_every_guide_of_a_folder_or_says_all_that_is_wrong(tmp_path: Path) -> None:
    read(tmp_path)
    read(tmp_path, TEXT.replace("id: blackmail", "id: other"), "other")
    assert list(read_guides(tmp_path)) == ["blackmail", "other"]

    for name in ("blackmail", "other"):
        (tmp_path / f"{name}.yml").write_text("id: 5\n", encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_guides(tmp_path)
    assert {problem.path.stem for problem in caught.value.problems} == {"blackmail", "other"}


REAL = real_content().guides


@pytest.mark.parametrize("reader", [CHILD, ADULT])
@pytest.mark.parametrize("guide", sorted(REAL.all()))
def test_whoever_begins_a_real_guide_comes_to_its_end_and_back_by_its_buttons(
    guide: str, reader: str
) -> None:
    steps = REAL.all()[guide].steps
    mine = sum(bool(getattr(step, reader)) for step in steps)
    if not mine:
        return
    place, walked = pressed(REAL.button(guide)["id"], reader), 0
    while place.at < len(steps):
        place, walked = pressed(f"guide_{guide}_after_{place.at}", reader), walked + 1
    assert walked == mine

    for _ in range(walked):
        place = pressed(f"guide_{guide}_back_{place.at}", reader)
    assert place == pressed(REAL.button(guide)["id"], reader)


def pressed(choice_id: str, reader: str) -> GuidePosition:
    """Where a real button leads; the step is shown, and each of its buttons is known."""
    place = REAL.moved(real_content().choices[choice_id].entities[ENTITY], reader)
    assert place is not None
    shown = REAL.message(place, reader)
    assert shown is not None
    assert all(choice["id"] in real_content().choices for choice in shown["choices"])
    return place


def test_the_words_that_speak_of_a_real_guide_can_be_found_in_a_message() -> None:
    for guide, record in REAL.all().items():
        for word in record.words:
            assert REAL.is_about(guide, f"so {word} and"), f"{guide}: {word}"


def test_a_real_guide_is_reviewed_like_everything_else() -> None:
    for record in REAL.all().values():
        assert record.provenance.reviewed_on < record.provenance.review_due
        assert all(source.read_on >= date(2026, 11, 1) for source in record.sources)


@pytest.mark.parametrize(
    ("guide", "text", "speaks"),
    [
        ("missing_child", "its 11pm and she isn't home", True),
        ("missing_child", "he hasnt come home from school", True),
        ("missing_child", "she came home with a new phone and wont say who from", False),
        ("someone_in_the_house", "hes downstairs now", True),
        ("someone_in_the_house", "my dsl has gone home, its half 5", False),
    ],
)
def test_a_phrase_tells_what_one_word_of_it_does_not(guide: str, text: str, speaks: bool) -> None:
    assert REAL.is_about(guide, text) is speaks
