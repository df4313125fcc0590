"""What the encoder learns from: each text with what is known of it, and no more than that."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from safeguarding.risk.dialogues import Chat, Conversation, Dialogues, Line, Said
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.examples import Part
from safeguarding.risk.lexicon import Lexicon
from safeguarding.taxonomy import Severity
from tests.labelled import example
from training import sentences
from training.sentences import (
    Sentence,
    all_training,
    development,
    intent_examples,
    of_chats,
    of_conversations,
    of_example,
    of_intents,
    of_lexicon,
    roughened,
)

NONE, CONCERN, URGENT, IMMEDIATE = Severity
WINDOW, STEP = 6, 3


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - tests, not secrets


def harmless(text: str, intent: str | None = None) -> Sentence:
    return Sentence(text, NONE, (), None, intent)


def test_an_example_teaches_what_it_is_labelled_with() -> None:
    told = example("he said dont tell", URGENT, categories=("grooming",), subject="friend")

    assert of_example(told) == Sentence("he said dont tell", URGENT, ("grooming",), "friend", None)


def test_a_harmless_example_teaches_nothing_of_whom_it_is_about() -> None:
    quiet = example("how was your weekend", subject="friend", kind="small_talk")

    assert of_example(quiet) == harmless("how was your weekend")


@pytest.mark.parametrize(
    ("kind", "intent"),
    [
        ("gaming", "out_of_scope"),
        ("errand", "out_of_scope"),
        ("feelings", None),
        ("near_miss", None),
    ],
)
def test_everyday_talk_is_a_question_of_none_of_our_topics(kind: str, intent: str | None) -> None:
    assert of_example(example("x", kind=kind)).intent == intent


def test_the_lexicon_teaches_what_matches_and_what_stays_quiet(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    assert of_lexicon(lexicon, engine) == [
        Sentence("they push me", CONCERN, ("bullying",), "self", None),
        Sentence("they pushed me", CONCERN, ("bullying",), "self", None),
        harmless("push day at the gym"),
        Sentence("i ran away", URGENT, ("missing",), None, None),
        Sentence("so i ran away", URGENT, ("missing",), None, None),
        *(harmless(text) for text in ("a push", "in the night", "push the door")),
        harmless("the dog ran away"),
    ]


def test_a_near_miss_that_another_rule_hears_is_not_harmless(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    near = "they push me so i ran"

    assert any(near in rule.near_miss for rule in lexicon.rules)
    assert near not in {sentence.text for sentence in of_lexicon(lexicon, engine)}


NLU = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi from [Swindon](area) and [Bath](area)
- synonym: Bath
  examples: |
    - bath
- intent: ask_bullying
  examples: |
    - what is bullying
    - they push me - why
"""


@pytest.fixture
def nlu(tmp_path: Path) -> Path:
    (tmp_path / "b.yml").write_text(NLU, "utf-8")
    (tmp_path / "a.yml").write_text(NLU.partition("- synonym")[0].replace("greet", "bye"), "utf-8")
    (tmp_path / "c.yml").write_text('version: "3.1"\n', "utf-8")
    return tmp_path


def test_questions_are_read_without_markup_by_file_and_place(nlu: Path) -> None:
    assert intent_examples(nlu) == [
        ("bye", "hello"),
        ("bye", "hi from Swindon and Bath"),
        ("greet", "hello"),
        ("greet", "hi from Swindon and Bath"),
        ("ask_bullying", "what is bullying"),
        ("ask_bullying", "they push me - why"),
    ]


def test_a_question_the_lexicon_is_quiet_on_counts_as_harmless(
    engine: RiskEngine, nlu: Path
) -> None:
    assert of_intents(engine, nlu)[-2:] == [
        harmless("what is bullying", "ask_bullying"),
        Sentence("they push me - why", None, None, None, "ask_bullying"),
    ]


def test_a_slip_swaps_forgets_or_doubles_a_letter() -> None:
    found = roughened(["word"] * 3000, chance(1)).split()

    assert set(found) == {
        "word", "owrd", "wrod", "wodr", "ord", "wrd", "wod", "wword", "woord", "worrd",
    }  # fmt: skip


def test_few_words_are_dropped_and_few_have_slips() -> None:
    count = 20_000
    found = roughened(["word"] * count, chance(1)).split()

    assert 1 - len(found) / count == pytest.approx(0.03, abs=0.005)
    assert sum(word != "word" for word in found) / count == pytest.approx(0.09, abs=0.01)


def test_a_short_word_has_no_slips() -> None:
    assert set(roughened(["him"] * 1000, chance(1)).split()) == {"him"}


def test_the_same_seed_makes_the_same_slips() -> None:
    words = [f"words{number}" for number in range(100)]

    assert roughened(words, chance(1)) == roughened(words, chance(1))
    assert roughened(words, chance(1)) != roughened(words, chance(2))


def chat(*lines: tuple[str, ...], harmful: bool = True) -> Chat:
    """A chat of lines, each its text and its signs."""
    return Chat(
        id="x",
        harmful=harmful,
        severity="urgent" if harmful else "none",
        categories=("grooming",) if harmful else (),
        layout="names",
        lines=tuple(Line(by="them", text=text, signs=tuple(signs)) for text, *signs in lines),
    )


def test_a_line_of_a_harmful_chat_teaches_its_signs_only() -> None:
    found = of_chats([chat(("want a skin", "gifts"), ("ok",))])

    assert found == [
        Sentence("want a skin", None, None, None, None, ("gifts",)),
        Sentence("ok", None, None, None, None, ()),
    ]


def test_a_stretch_with_two_signs_is_as_grave_as_its_chat() -> None:
    *_, stretch = of_chats([chat(("want a skin", "gifts"), ("ok",), ("our secret", "secrecy"))])

    assert stretch == Sentence("want a skin ok our secret", URGENT, ("grooming",), None, None)


def test_the_same_sign_twice_is_one() -> None:
    lines = of_chats([chat(("a skin", "gifts"), ("and robux", "gifts"))])

    assert [sentence.text for sentence in lines] == ["a skin", "and robux"]


def test_a_harmless_chat_is_harmless_line_by_line_and_in_stretches() -> None:
    found = of_chats([chat(("keep it secret", "secrecy"), ("what cake",), harmful=False)])

    assert found == [
        Sentence("keep it secret", NONE, (), None, None, ("secrecy",)),
        Sentence("what cake", NONE, (), None, None, ()),
        harmless("keep it secret what cake"),
    ]


@pytest.mark.parametrize("count", range(1, 20))
def test_overlapping_stretches_cover_the_chat(count: int) -> None:
    lines = [str(number) for number in range(count)]
    found = of_chats([chat(*((line,) for line in lines), harmful=False)])[count:]

    stretches = [sentence.text.split() for sentence in found]

    assert stretches == [lines[at : at + WINDOW] for at in range(0, STEP * len(stretches), STEP)]
    assert stretches[-1][-1] == lines[-1]
    assert len(stretches) == 1 or stretches[-2][-1] != lines[-1]


def conversation(
    *turns: str, due: int | None = None, harmful: bool = True, severity: str = "urgent"
) -> Conversation:
    """The user's turns, each with an answer after it."""
    said = [Said(by=by, text=text) for turn in turns for by, text in (("user", turn), BOT)]
    return Conversation(
        id="x",
        harmful=harmful,
        due=due,
        severity=severity,  # type: ignore[arg-type]
        categories=("grooming",),
        shape="build_up",
        turns=tuple(said),
    )


BOT = ("assistant", "Thank you.")


def test_a_conversation_teaches_what_is_due_at_its_turn() -> None:
    found = of_conversations([conversation("he is nice", "he gives me gifts", "in secret", due=2)])

    assert found == [Sentence("he is nice he gives me gifts", URGENT, ("grooming",), None, None)]


def test_where_the_labels_do_not_say_nothing_is_learned() -> None:
    assert of_conversations([conversation("he is nice", "he hurt me")]) == []


def test_a_harmless_conversation_is_harmless_at_each_turn() -> None:
    found = of_conversations([conversation("hi", "what is a dsl", harmful=False, severity="none")])

    assert found == [harmless("hi"), harmless("hi what is a dsl")]


def test_five_turns_are_read_as_one() -> None:
    turns = [f"turn{number}" for number in range(1, 8)]

    (found,) = of_conversations([conversation(*turns, due=7)])

    assert found.text == "turn3 turn4 turn5 turn6 turn7"


def test_choices_are_made_on_the_development_part() -> None:
    parts: Sequence[Part] = ("training", "development", "test")

    assert [each.text for each in development(example(part, part=part) for part in parts)] == [
        "development"
    ]


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small set in place of the files of data/."""
    parts: Sequence[Part] = ("training", "development", "test")
    shared = [
        example("Hello THERE", CONCERN, "training"),
        example("they push me", NONE, "training"),
    ]
    dialogues = {
        part: Dialogues(
            (chat((f"chat for {part}", "gifts")),),
            (conversation(f"talk for {part}", due=1),),
        )
        for part in parts
    }
    monkeypatch.setattr(
        sentences, "read_examples", lambda: [*(example(p, URGENT, p) for p in parts), *shared]
    )
    monkeypatch.setattr(sentences, "read_dialogues", dialogues.__getitem__)
    monkeypatch.setattr(
        sentences, "of_intents", lambda _: [harmless("hello there", "greet"), harmless("a", "bye")]
    )


@pytest.mark.usefixtures("everything")
def test_only_the_training_part_is_learned_from(lexicon: Lexicon, engine: RiskEngine) -> None:
    texts = [sentence.text for sentence in all_training(engine, lexicon)]

    assert texts[:5] == [
        "training",
        "Hello THERE",
        "they push me",
        "chat for training",
        "talk for training",
    ]
    assert not [text for text in texts if "development" in text or "test" in text]


@pytest.mark.usefixtures("everything")
def test_of_a_text_that_stands_twice_the_first_is_kept(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    found = all_training(engine, lexicon)
    by_text = {sentence.text: sentence for sentence in found}

    assert max(Counter(sentence.text.casefold() for sentence in found).values()) == 1
    assert by_text["Hello THERE"].severity == CONCERN
    assert by_text["they push me"].severity == NONE
    assert "hello there" not in by_text


@pytest.mark.usefixtures("everything")
def test_questions_and_the_lexicon_are_learned_from_too(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    found = {sentence.text: sentence for sentence in all_training(engine, lexicon)}

    assert found["a"].intent == "bye"
    assert found["i ran away"].categories == ("missing",)
