"""Labelled conversations: they are read as they are written, and each message in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.dialogue.conversations import NONE, PARTS, messages, read_dialogues
from safeguarding.dialogue.encoder import ASK, CARD, DANGER
from safeguarding.records import ContentError
from safeguarding.taxonomy import taxonomy
from tests.content import real_content

CALLBACK = "callback_offer"
"""What the gateway offers by itself; no reply of the bank."""
TEXT = """\
writer: x01
conversations:
  - id: x01-001
    audience: young_person
    about: a bag
    turns:
      - {user: hiya, act: opens, right: [open_go_ahead]}
      - {reply: open_go_ahead}
      - {lantern: "What happened?"}
      - {user: he gave me a bag, act: discloses, need: hurt_by_someone, right: [card]}
"""


def written(folder: Path, text: str = TEXT) -> Path:
    (folder / "test").mkdir()
    (folder / "test" / "x01.yml").write_text(text, "utf-8")
    return folder


def test_each_message_comes_with_the_turns_before_it(tmp_path: Path) -> None:
    (dialogue,) = read_dialogues("test", written(tmp_path))
    (first, before_first), (second, before_second) = messages(dialogue)

    assert (first.user, list(before_first)) == ("hiya", [])
    assert (second.user, second.right) == ("he gave me a bag", ("card",))
    assert [turn.user for turn in before_second] == ["hiya", None, None]


def test_a_part_is_read_alone(tmp_path: Path) -> None:
    assert read_dialogues("training", written(tmp_path)) == []


def test_a_word_that_is_no_label_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, TEXT.replace("act: opens", "akt: opens"))

    with pytest.raises(ContentError, match="akt"):
        read_dialogues("test", folder)


def test_no_conversation_is_in_two_parts() -> None:
    ids = [each.id for part in PARTS for each in read_dialogues(part)]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("part", PARTS)
def test_every_real_label_is_known(part: str) -> None:
    labels = {*real_content().replies.all(), ASK, CARD, DANGER, NONE, CALLBACK}
    acts, needs = set(taxonomy().dialogue_acts), set(taxonomy().needs)
    told = [turn for each in read_dialogues(part) for turn, _ in messages(each)]

    assert told
    assert {turn.act for turn in told} <= acts
    assert {turn.need for turn in told} - {None} <= needs
    assert {right for turn in told for right in turn.right} <= labels
