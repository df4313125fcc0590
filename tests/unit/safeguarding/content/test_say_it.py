"""Sentences for a note: one for each fact, category and need, in order, and in the right words."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.say_it import SayIt, is_younger, read_say_it, unsaid_facts
from safeguarding.conversation_state import ConversationState
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, taxonomy
from tests.content import real_content

FILE = CONTENT / "say_it.yml"
SAY_IT = real_content().say_it


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """Return a copy of the file with its first `old` replaced."""
    text = FILE.read_text("utf-8")
    assert old in text
    path = tmp_path / "say_it.yml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def problem(path: Path) -> str:
    """Return what is wrong with a file."""
    with pytest.raises(ContentError) as error:
        read_say_it(path)
    return "\n".join(map(str, error.value.problems))


def ids(say_it: SayIt, state: ConversationState, group: str) -> list[str]:
    return [each.id for each in dict(say_it.groups(state))[group]]  # type: ignore[index]


def test_each_fact_category_and_need_has_a_sentence_or_a_reason_why_not() -> None:
    known = taxonomy()
    file = SAY_IT.file
    for field, names in (
        ("facts", [f for f in real_content().facts.means if not f.startswith(("not_by_", "to_"))]),
        ("categories", known.risk_categories),
        ("needs", known.needs),
    ):
        said = {name for each in file.sentences for name in getattr(each, field)}
        reasons = getattr(file.unsaid, field)
        assert said | set(reasons) == set(names)
        assert not said & set(reasons)
        assert all(len(reason.split()) > 4 for reason in reasons.values())
    assert list(unsaid_facts(FILE, real_content().facts.means)) == []


def test_a_fact_that_somebody_adds_needs_a_sentence_or_a_reason() -> None:
    (missing,) = unsaid_facts(FILE, [*real_content().facts.means, "has_a_dog"])

    assert "has_a_dog: no sentence and no reason" in str(missing)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("{id: eating, categories: [eating_disorder]", "{id: eating, categories: [distress]",
         "eating_disorder: no sentence and no reason"),
        ("categories: [bullying]", "categories: [bullying, teasing]", "no such word: teasing"),
        ("{id: not_ok, ", "{id: afraid, ", "'afraid' stands here twice"),
        ("advice: school\n", "advice: nobody\n", "no advice 'nobody'"),
        ("needs: [unclear, hurt_by_someone, self_harm, suicide, own_behaviour], ", "",
         "nothing leads to it"),
        ("before you tell {who}.", "before you tell anyone.", "{who} and `names_someone`"),
        ("{lang: en, ", "{lang: fr, ", "English comes first"),
        ("immediate_danger: \"999 comes", "bullying: \"999 comes", "bullying: a sentence and a"),
        ("\"I'm not OK.\"", f"\"{'very ' * 20}ill.\"", "over 20 words"),
        ("label: \"A teacher\"", "name: \"A teacher\"", "unknown field `name`"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, old: str, new: str, wrong: str) -> None:
    assert wrong in problem(changed(tmp_path, old, new))


def test_a_caution_about_no_known_fact_is_a_problem(tmp_path: Path) -> None:
    path = changed(tmp_path, "facts: [other_is_staff,", "facts: [other_is_famous,")

    problems = [*map(str, unsaid_facts(path, real_content().facts.means))]
    assert any("no such fact: other_is_famous" in each for each in problems)


def test_what_was_said_in_words_comes_first_and_what_was_assessed_after_it() -> None:
    state = ConversationState(
        need="hurt_by_someone", categories=("image_abuse",), facts=("pictures", "money")
    )

    assert ids(SAY_IT, state, "heard") == ["pictures", "money"]
    more = ids(SAY_IT, state, "more")
    assert more[:3] == ["picture_threat", "picture_shared", "picture_wanted"]
    assert "being_hurt" in more
    assert "hit" in ids(SAY_IT, state, "happening")
    assert "family" in ids(SAY_IT, state, "detail")


def test_each_sentence_stands_in_one_group() -> None:
    state = ConversationState(
        need="suicide", categories=("suicide", "grooming"), facts=("tablets", "in_past")
    )

    found = [each.id for group in SAY_IT.groups(state).values() for each in group]

    assert len(found) == len(set(found)) == len(SAY_IT.file.sentences)


def test_who_has_told_nothing_gets_every_sentence_to_choose_from() -> None:
    groups = SAY_IT.groups(ConversationState())

    assert groups["heard"] == []
    assert {"something_wrong", "not_ok", "too_much"} == {each.id for each in groups["more"]}


@pytest.mark.parametrize("state", [
    ConversationState(age=9), ConversationState(facts=("is_child_under_12",)),
])  # fmt: skip
def test_a_child_under_12_is_not_offered_what_is_for_older_ones_unless_it_fits(
    state: ConversationState,
) -> None:
    assert is_younger(state)
    assert "sexual_exploitation" not in ids(SAY_IT, state, "happening")
    told = ConversationState(age=9, need="hurt_by_someone", categories=("sexual_exploitation",))
    assert "sexual_exploitation" in ids(SAY_IT, told, "more")
    assert not is_younger(ConversationState(age=12))


def test_what_is_for_older_children_only_has_words_for_younger_ones_where_it_may_fit() -> None:
    for each in SAY_IT.file.sentences:
        if each.me and not each.younger:
            assert len(each.me.split()) <= 16, each.id


@pytest.mark.parametrize("category", [
    "honour_based_abuse", "physical_abuse", "emotional_abuse", "neglect", "domestic_abuse",
])  # fmt: skip
def test_nobody_is_led_to_the_family_that_may_be_part_of_it_without_a_word(category: str) -> None:
    parent = next(each for each in SAY_IT.file.people if each.id == "parent")

    assert parent.caution
    assert parent.caution.fits(ConversationState(categories=(category,)))
    assert not parent.caution.fits(ConversationState(categories=("bullying",)))


def test_no_sentence_is_a_question_and_none_blames() -> None:
    for each in SAY_IT.file.sentences:
        for text in (each.me, each.friend, each.younger):
            assert text is None or (text.endswith(".") and "?" not in text)
            assert "my fault" not in (text or "")


def test_headings_in_other_languages_stay_marked_until_somebody_signs_them() -> None:
    assert [(each.lang, each.is_checked) for each in SAY_IT.file.headings] == [
        ("en", True), ("pl", False), ("cy", False)
    ]  # fmt: skip


def test_each_advice_names_a_source_and_999() -> None:
    for each in SAY_IT.file.advice:
        assert "999" in each.text
        assert each.source in SAY_IT.sources
