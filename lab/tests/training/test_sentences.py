"""Each text that the encoder learns from has the labels that are known, and no others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from lab.training import sentences
from lab.training.sentences import (
    TrainingText,
    all_training,
    development,
    of_chats,
    of_conversations,
    of_example,
    of_intents,
    of_lexicon,
    row,
)
from safeguarding.corpus import (
    Chat,
    Dialogues,
    LabelledChatLine,
    LabelledConversation,
    Part,
    WrittenTurn,
    intent_examples,
)
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.thresholds import Steps
from safeguarding.taxonomy import Severity
from tests.labelled import example

NONE, CONCERN, URGENT, IMMEDIATE = Severity
WINDOW, STEP = 8, 4


class Hears:
    """A second witness that finds a concern in texts with one of these words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def scores(self, text: str) -> Steps:
        concern = 0.5 if any(word in text for word in self.words) else -0.5
        return concern, -9.0, -9.0


DEAF = Hears()


def harmless(text: str, intent: str | None = None) -> TrainingText:
    return TrainingText(text, NONE, (), None, intent)


def test_an_example_teaches_what_it_is_labelled_with() -> None:
    told = example("he said dont tell", URGENT, categories=("grooming",), subject="friend")

    assert of_example(told) == TrainingText(
        "he said dont tell", URGENT, ("grooming",), "friend", None
    )


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
def test_everyday_talk_is_out_of_scope(kind: str, intent: str | None) -> None:
    assert of_example(example("x", kind=kind)).intent == intent


def test_the_lexicon_teaches_what_matches_and_what_stays_quiet(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    assert of_lexicon(lexicon, engine) == [
        TrainingText("they push me", CONCERN, ("bullying",), "self", None),
        TrainingText("they pushed me", CONCERN, ("bullying",), "self", None),
        harmless("push day at the gym"),
        TrainingText("i ran away", URGENT, ("missing",), None, None),
        TrainingText("so i ran away", URGENT, ("missing",), None, None),
        *(harmless(text) for text in ("a push", "in the night", "push the door")),
        harmless("the dog ran away"),
    ]


def test_a_near_miss_that_another_rule_finds_is_not_harmless(
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
    assert of_intents(engine, DEAF, nlu)[-2:] == [
        harmless("what is bullying", "ask_bullying"),
        TrainingText("they push me - why", None, None, None, "ask_bullying"),
    ]


def test_a_question_that_the_second_witness_hears_something_in_teaches_no_severity(
    engine: RiskEngine, nlu: Path
) -> None:
    found = {sentence.text: sentence for sentence in of_intents(engine, Hears("Bath"), nlu)}

    asked = found["hi from Swindon and Bath"]
    assert (asked.severity, asked.categories, asked.intent) == (None, None, "greet")
    assert found["hello"] == harmless("hello", "greet")


def test_every_label_of_a_sentence_tells_apart_what_was_learned_from() -> None:
    plain = TrainingText("x", URGENT, ("grooming",), "self", "bye", ("gifts",), CONCERN)
    others = [
        TrainingText("y", URGENT, ("grooming",), "self", "bye", ("gifts",), CONCERN),
        TrainingText("x", NONE, ("grooming",), "self", "bye", ("gifts",), CONCERN),
        TrainingText("x", URGENT, (), "self", "bye", ("gifts",), CONCERN),
        TrainingText("x", URGENT, ("grooming",), None, "bye", ("gifts",), CONCERN),
        TrainingText("x", URGENT, ("grooming",), "self", None, ("gifts",), CONCERN),
        TrainingText("x", URGENT, ("grooming",), "self", "bye", (), CONCERN),
        TrainingText("x", URGENT, ("grooming",), "self", "bye", ("gifts",), None),
    ]

    assert json.dumps(row(plain))
    assert len({json.dumps(row(each)) for each in [plain, *others]}) == 8


def chat(*lines: tuple[str, ...], harmful: bool = True) -> Chat:
    """Return a chat of lines, each with text and signs."""
    return Chat(
        id="x",
        writer="w",
        harmful=harmful,
        severity="urgent" if harmful else "none",
        categories=("grooming",) if harmful else (),
        layout="names",
        lines=tuple(
            LabelledChatLine(by="them", text=text, signs=tuple(signs)) for text, *signs in lines
        ),
    )


def lines_of(found: Sequence[TrainingText]) -> list[TrainingText]:
    return [sentence for sentence in found if sentence.signs is not None]


def stretches_of(found: Sequence[TrainingText]) -> list[TrainingText]:
    """Return the text of lines with their speakers."""
    return [sentence for sentence in found if sentence.chat is not None]


def plain_of(found: Sequence[TrainingText]) -> list[TrainingText]:
    """Return the text of lines without speakers."""
    return [each for each in found if each.severity is not None and each.signs is None]


def test_a_line_of_a_harmful_chat_teaches_its_signs_only() -> None:
    found = of_chats([chat(("want a skin", "gifts"), ("ok",))])

    assert lines_of(found) == [
        TrainingText("want a skin", None, None, None, None, ("gifts",)),
        TrainingText("ok", None, None, None, None, ()),
    ]


def test_a_stretch_with_two_signs_is_as_grave_as_its_chat() -> None:
    """A stretch is learned with its speakers and the severity of the chat."""
    quiet = [("so",)] * 20
    found = of_chats([chat(("want a skin", "gifts"), ("ok",), ("our secret", "secrecy"), *quiet)])

    first = "them want a skin ok our secret" + " so" * 5
    assert stretches_of(found) == [TrainingText(first, None, None, None, None, chat=URGENT)]
    assert plain_of(found) == [
        TrainingText(first.removeprefix("them "), URGENT, ("grooming",), None, None)
    ]


def test_a_stretch_with_one_sign_is_not_sure_to_show_anything() -> None:
    quiet = [("so",)] * 20
    found = of_chats([chat(("a skin", "gifts"), ("and robux", "gifts"), *quiet)])

    assert stretches_of(found) == []
    assert plain_of(found) == []


def test_all_of_a_harmful_chat_shows_what_it_is() -> None:
    found = of_chats([chat(("a skin", "gifts"), ("and robux", "gifts"))])

    assert [each.chat for each in stretches_of(found)] == [URGENT]
    assert [each.severity for each in plain_of(found)] == [URGENT]


def test_a_harmless_chat_is_harmless_line_by_line_and_in_stretches() -> None:
    found = of_chats([chat(("keep it secret", "secrecy"), ("what cake",), harmful=False)])

    assert lines_of(found) == [
        TrainingText("keep it secret", NONE, (), None, None, ("secrecy",)),
        TrainingText("what cake", NONE, (), None, None, ()),
    ]
    assert stretches_of(found) == [
        TrainingText("them keep it secret what cake", None, None, None, None, chat=NONE)
    ]
    assert plain_of(found) == [harmless("keep it secret what cake")]


def test_a_stretch_names_its_speakers_as_the_reader_does() -> None:
    said = chat(("how old are you",), ("13",), ("ok",), harmful=False)
    mine = msgspec.structs.replace(said.lines[1], by="me")
    both = msgspec.structs.replace(said, lines=(said.lines[0], mine, said.lines[2]))

    assert [each.text for each in stretches_of(of_chats([both]))] == [
        "them how old are you me 13 them ok"
    ]


@pytest.mark.parametrize("count", range(1, 30))
def test_overlapping_stretches_cover_the_chat(count: int) -> None:
    lines = [str(number) for number in range(count)]
    found = stretches_of(of_chats([chat(*((line,) for line in lines), harmful=False)]))

    stretches = [sentence.text.split()[1:] for sentence in found]

    assert stretches == [lines[at : at + WINDOW] for at in range(0, STEP * len(stretches), STEP)]
    assert stretches[-1][-1] == lines[-1]
    assert len(stretches) == 1 or stretches[-2][-1] != lines[-1]


def conversation(
    *turns: str, due: int | None = None, harmful: bool = True, severity: str = "urgent"
) -> LabelledConversation:
    """Return a conversation of the user's turns, each with an answer."""
    said = [WrittenTurn(by=by, text=text) for turn in turns for by, text in (("user", turn), BOT)]
    return LabelledConversation(
        id="x",
        writer="w",
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

    assert found == [
        TrainingText("he is nice he gives me gifts", URGENT, ("grooming",), None, None)
    ]


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
    assert [each.text for each in development(example(part, part=part) for part in PARTS)] == [
        "development"
    ]


PARTS: Sequence[Part] = ("training", "development", "test")
EVERY_PART = [
    *(example(part, URGENT, part) for part in PARTS),
    example("Hello THERE", CONCERN, "training"),
    example("they push me", NONE, "training"),
]


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a small set in place of the files of data/."""
    dialogues = {
        part: Dialogues(
            (chat((f"chat for {part}", "gifts")),),
            (conversation(f"talk for {part}", due=1),),
        )
        for part in PARTS
    }
    monkeypatch.setattr(sentences, "read_dialogues", dialogues.__getitem__)
    monkeypatch.setattr(
        sentences, "of_intents", lambda *_: [harmless("hello there", "greet"), harmless("a", "bye")]
    )


@pytest.mark.usefixtures("everything")
def test_only_the_training_part_is_learned_from(lexicon: Lexicon, engine: RiskEngine) -> None:
    texts = [sentence.text for sentence in all_training(engine, lexicon, DEAF, EVERY_PART)]

    assert texts[:6] == [
        "training",
        "Hello THERE",
        "they push me",
        "chat for training",
        "them chat for training",
        "talk for training",
    ]
    assert not [text for text in texts if "development" in text or "test" in text]


@pytest.mark.usefixtures("everything")
def test_of_a_text_that_stands_twice_the_first_is_kept(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    found = all_training(engine, lexicon, DEAF, EVERY_PART)
    by_text = {sentence.text: sentence for sentence in found}

    assert max(Counter(sentence.text.casefold() for sentence in found).values()) == 1
    assert by_text["Hello THERE"].severity == CONCERN
    assert by_text["they push me"].severity == NONE
    assert "hello there" not in by_text


@pytest.mark.usefixtures("everything")
def test_questions_and_the_lexicon_are_learned_from_too(
    lexicon: Lexicon, engine: RiskEngine
) -> None:
    found = {
        sentence.text: sentence for sentence in all_training(engine, lexicon, DEAF, EVERY_PART)
    }

    assert found["a"].intent == "bye"
    assert found["i ran away"].categories == ("missing",)
