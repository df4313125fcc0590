"""Labelled chats and conversations are read strictly, and only those of the part asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.records import ContentError
from safeguarding.risk.assessment import Turn
from safeguarding.risk.dialogues import (
    Chat,
    Conversation,
    Dialogues,
    Line,
    Said,
    is_due,
    read_dialogues,
)
from safeguarding.taxonomy import Severity

CHATS = """\
writer: {writer}
brief: "a test"
chats:
  - id: {writer}-skins
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
writer: {writer}
brief: "a test"
conversations:
  - id: {writer}-build-up
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts.yml").write_text("development: [c02, k02]\ntest: [c03, k03]\n", "utf-8")
    for kind, first, text in (("chats", "c", CHATS), ("conversations", "k", CONVERSATIONS)):
        (tmp_path / kind).mkdir()
        for number in ("03", "01", "02"):
            writer = f"{first}{number}"
            write(tmp_path, f"{kind}/{writer}", text.format(writer=writer))
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yml").write_text(text, "utf-8")


def ids(found: Dialogues) -> list[str]:
    return [each.id for each in (*found.chats, *found.conversations)]


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        read_dialogues("training", folder)
    return [f"{p.path.name}:{p.line}: {p.what}" for p in sorted(caught.value.problems)]


def test_reads_a_chat_with_the_signs_of_its_lines(folder: Path) -> None:
    (chat,) = read_dialogues("training", folder).chats

    assert chat == Chat(
        id="c01-skins",
        harmful=True,
        severity="urgent",
        categories=("grooming",),
        layout="names",
        handles={"me": "kira", "them": "dan"},
        lines=(
            Line(by="them", text="want a free skin", signs=("gifts",)),
            Line(by="me", text="ok"),
            Line(by="them", text="our secret then. u alone?", signs=("secrecy", "being_alone")),
        ),
    )


def test_reads_a_conversation_with_its_turns(folder: Path) -> None:
    (talk,) = read_dialogues("training", folder).conversations

    assert (talk.id, talk.due, talk.categories) == ("k01-build-up", 2, ("grooming",))
    assert talk.turns[1] == Said(by="assistant", text="What happened?")


def test_only_the_part_asked_for_is_given(folder: Path) -> None:
    assert ids(read_dialogues("training", folder)) == ["c01-skins", "k01-build-up"]
    assert ids(read_dialogues("development", folder)) == ["c02-skins", "k02-build-up"]
    assert ids(read_dialogues("test", folder)) == ["c03-skins", "k03-build-up"]


def test_all_files_of_a_part_are_read_in_order(folder: Path) -> None:
    write(folder, "chats/c00", CHATS.format(writer="c00"))
    write(folder, "conversations/k00", CONVERSATIONS.format(writer="k00"))

    assert ids(read_dialogues("training", folder)) == [
        "c00-skins",
        "c01-skins",
        "k00-build-up",
        "k01-build-up",
    ]


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
        ("chats/c01", "being_alone", "being_kind", "c01-skins: `being_kind` is not a sign"),
        ("chats/c01", "severity: urgent", "severity: grave", "6: Invalid enum value 'grave'"),
        ("chats/c01", "layout: names", "layout: scroll", "8: Invalid enum value 'scroll'"),
        ("chats/c01", "by: me, text", "by: me, words", "12: Object contains unknown field `words`"),
        ("chats/c01", "harmful: true", "harmful: maybe", "5: Expected `bool`, got `str`"),
        ("conversations/k01", "by: assistant", "by: bot", "12: Invalid enum value 'bot'"),
        ("conversations/k01", "    due: 2\n", "", "4: Object missing required field `due`"),
        ("conversations/k01", "shape:", "form:", "4: Object contains unknown field `form`"),
    ],
)
def test_what_is_unsound_is_refused(
    folder: Path, name: str, old: str, new: str, problem: str
) -> None:
    path = folder / f"{name}.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")

    (found,) = problems(folder)

    assert found.startswith(f"{path.name}:")
    assert problem in found


def test_every_problem_is_told_at_once_whatever_the_part(folder: Path) -> None:
    chat, talk = CHATS.format(writer="c02"), CONVERSATIONS.format(writer="k03")
    write(folder, "chats/c02", chat.replace("[gifts]", "[presents, rudeness]"))
    write(folder, "chats/c03", "writer: [")
    write(folder, "conversations/k03", talk.replace("severity: urgent", "severity: grave"))

    found = problems(folder)

    assert [line.partition(":")[0] for line in found] == [
        "c02.yml",
        "c02.yml",
        "c03.yml",
        "k03.yml",
    ]
    assert found[0].endswith("c02-skins: `presents` is not a sign")
    assert found[1].endswith("c02-skins: `rudeness` is not a sign")
    assert "grave" in found[3]


def conversation(due: int | None, *, harmful: bool) -> Conversation:
    return Conversation(
        id="x", harmful=harmful, due=due, severity="urgent", shape="build_up", turns=()
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
