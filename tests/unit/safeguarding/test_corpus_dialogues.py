"""Labelled chats and conversations are read strictly, and only those of the part asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.corpus import (
    Chat,
    Dialogues,
    LabelledChatLine,
    LabelledConversation,
    WrittenTurn,
    is_due,
    read_dialogues,
)
from safeguarding.records import ContentError
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity

CHATS = """\
chats:
  - id: {writer}-skins
    writer: {writer}
    harmful: true
    severity: urgent
    categories: [grooming]
    layout: names
    handles: {{me: kira, them: dan}}
    lines:
      - {{by: them, text: "want a free skin", signs: [gifts]}}
      - {{by: me, text: "ok"}}
      - {{by: them, text: "our secret then. u alone?", signs: [secrecy, being_alone]}}
"""
CONVERSATIONS = """\
conversations:
  - id: {writer}-build-up
    writer: {writer}
    harmful: true
    due: 2
    severity: urgent
    categories: [grooming]
    shape: build_up
    turns:
      - {{by: user, text: "can a helper give you presents"}}
      - {{by: assistant, text: "What happened?"}}
      - {{by: user, text: "he said to keep it quiet"}}
"""


PARTS = {"01": "training", "02": "development", "03": "test"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writers = ""
    for number, part in PARTS.items():
        (tmp_path / part).mkdir()
        for kind, first, text in (("chats", "c", CHATS), ("conversations", "k", CONVERSATIONS)):
            write(tmp_path, f"{part}/{kind}", text.format(writer=f"{first}{number}"))
            writers += f"{first}{number}: {{part: {part}, briefs: [a test]}}\n"
    write(tmp_path, "writers", writers)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yml").write_text(text, "utf-8")


def ids(found: Dialogues) -> list[str]:
    return [*(each.id for each in found.chats), *(each.id for each in found.conversations)]


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        read_dialogues("training", folder)
    return [f"{p.path.name}:{p.line}: {p.what}" for p in sorted(caught.value.problems)]


def test_reads_a_chat_with_the_signs_of_its_lines(folder: Path) -> None:
    (chat,) = read_dialogues("training", folder).chats

    assert chat == Chat(
        id="c01-skins",
        writer="c01",
        harmful=True,
        severity="urgent",
        categories=("grooming",),
        layout="names",
        handles={"me": "kira", "them": "dan"},
        lines=(
            LabelledChatLine(by="them", text="want a free skin", signs=("gifts",)),
            LabelledChatLine(by="me", text="ok"),
            LabelledChatLine(
                by="them", text="our secret then. u alone?", signs=("secrecy", "being_alone")
            ),
        ),
    )


def test_reads_a_conversation_with_its_turns(folder: Path) -> None:
    (talk,) = read_dialogues("training", folder).conversations

    assert (talk.id, talk.due, talk.categories) == ("k01-build-up", 2, ("grooming",))
    assert talk.turns[1] == WrittenTurn(by="assistant", text="What happened?")


def test_only_the_part_asked_for_is_given(folder: Path) -> None:
    assert ids(read_dialogues("training", folder)) == ["c01-skins", "k01-build-up"]
    assert ids(read_dialogues("development", folder)) == ["c02-skins", "k02-build-up"]
    assert ids(read_dialogues("test", folder)) == ["c03-skins", "k03-build-up"]


def test_all_files_of_a_part_are_read_in_order(folder: Path) -> None:
    more = CHATS.format(writer="c01").replace("id: c01-skins", "id: c01-again")
    write(folder, "training/a", more)

    found = ids(read_dialogues("training", folder))

    assert found == ["c01-again", "c01-skins", "k01-build-up"]


def test_the_history_of_a_turn_is_what_was_said_before_it(folder: Path) -> None:
    (talk,) = read_dialogues("training", folder).conversations

    assert talk.history(0) == []
    assert talk.history(2) == [
        Turn("user", "can a helper give you presents"),
        Turn("assistant", "What happened?"),
    ]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("chats", "being_alone", "being_kind", "c01-skins: `being_kind` is not a sign"),
        ("chats", "severity: urgent", "severity: grave", "5: Invalid enum value 'grave'"),
        ("chats", "layout: names", "layout: scroll", "7: Invalid enum value 'scroll'"),
        ("chats", "by: me, text", "by: me, words", "11: Object contains unknown field `words`"),
        ("chats", "harmful: true", "harmful: maybe", "4: Expected `bool`, got `str`"),
        ("conversations", "by: assistant", "by: bot", "11: Invalid enum value 'bot'"),
        ("conversations", "    due: 2\n", "", "2: Object missing required field `due`"),
        ("conversations", "shape:", "form:", "2: Object contains unknown field `form`"),
    ],
)
def test_what_is_unsound_is_refused(
    folder: Path, name: str, old: str, new: str, problem: str
) -> None:
    path = folder / "training" / f"{name}.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")

    (found,) = problems(folder)

    assert found.startswith(f"{path.name}:")
    assert problem in found


def test_every_problem_is_told_at_once_whatever_the_part(folder: Path) -> None:
    chat, talk = CHATS.format(writer="c02"), CONVERSATIONS.format(writer="k03")
    write(folder, "development/chats", chat.replace("[gifts]", "[presents, rudeness]"))
    write(folder, "test/chats", "chats: [")
    write(folder, "test/conversations", talk.replace("severity: urgent", "severity: grave"))

    found = problems(folder)

    assert len(found) == 4
    assert sum("c02-skins: `presents` is not a sign" in problem for problem in found) == 1
    assert sum("c02-skins: `rudeness` is not a sign" in problem for problem in found) == 1
    assert sum("grave" in problem for problem in found) == 1


def conversation(due: int | None, *, harmful: bool) -> LabelledConversation:
    return LabelledConversation(
        id="x", writer="w", harmful=harmful, due=due, severity="urgent", shape="build_up", turns=()
    )


@pytest.mark.parametrize(
    ("harmful", "due", "severities"),
    [
        (True, 2, [None, Severity.URGENT, None]),
        (True, None, [None, None, None]),
        (False, None, [Severity.NONE, Severity.NONE, Severity.NONE]),
    ],
)
def test_what_is_due_at_a_turn_is_known_only_where_the_labels_say(
    harmful: bool, due: int | None, severities: list[Severity | None]
) -> None:
    labelled = conversation(due, harmful=harmful)

    assert [is_due(labelled, turn) for turn in (1, 2, 3)] == severities
