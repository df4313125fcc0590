"""The second reader learns from sentences and turns as far as their severity and need are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from click.testing import CliRunner

from lab.dialogue.conversations import FOLDER, HELD, DialogueTurn, read_dialogues
from lab.training import second_reader
from lab.training.second_reader import trained
from lab.training.sentences import TrainingText
from lab.training.severity_texts import (
    UNKNOWN,
    SeverityText,
    need_of_sentence,
    of_turns,
    severity_of,
    turns_in_place,
)
from safeguarding.artifacts import ARTIFACTS, SECOND_READER
from safeguarding.risk.assessment import WIDTH
from safeguarding.risk.encoder.in_place import SCALE
from safeguarding.taxonomy import Severity

ALL, NONE_KNOWN = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("need", "act", "due", "known"),
    [
        (None, "small_talk", NONE_KNOWN, ALL),
        (None, "ordinary_worry", NONE_KNOWN, ALL),
        ("suicide", "thanks", NONE_KNOWN, ALL),
        ("suicide", "goodbye", NONE_KNOWN, NONE_KNOWN),
        ("suicide", "asks_what_to_do", NONE_KNOWN, NONE_KNOWN),
        ("hurt_by_someone", "discloses", (1.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
        ("suicide", "discloses", (1.0, 1.0, 0.0), (1.0, 1.0, 0.0)),
        ("danger_now", "discloses", ALL, ALL),
    ],
)
def test_only_what_the_labels_of_a_turn_say_of_its_severity_is_known(
    need: str | None, act: str, due: tuple[float, ...], known: tuple[float, ...]
) -> None:
    assert severity_of(DialogueTurn(user="words", act=act, need=need)) == (due, known)


def test_turns_stand_after_what_came_before() -> None:
    some = read_dialogues("training")[:20]

    turns = list(turns_in_place(some))

    assert [turn.text for turn in turns] == [
        turn.user for each in some for turn in each.turns if turn.user
    ]
    assert sum(not turn.context for turn in turns) == len(some)
    assert sum(" / " in turn.context for turn in turns) == len(turns) - len(some)


class NoSentences:
    """Stands for the sentences, of which these tests need none."""

    def __init__(self, _: object) -> None: ...

    def drawn(self, _: object) -> Iterator[SeverityText]:
        return iter(())


def test_the_reader_for_the_choice_of_replies_has_not_read_the_held_writers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "training").mkdir()
    for writer in ("d01", min(HELD)):
        copy(FOLDER / "training" / f"{writer}.yml", tmp_path / "training")
    dialogues = read_dialogues("training", tmp_path)
    written: dict[Path, set[str]] = {}

    def keep(path: Path, texts: Sequence[SeverityText]) -> None:
        written[path] = {each.text for each in texts}

    monkeypatch.setattr(second_reader, "read_dialogues", lambda _: dialogues)
    monkeypatch.setattr(second_reader, "SeverityTexts", NoSentences)
    monkeypatch.setattr(second_reader, "write", keep)
    monkeypatch.setattr(second_reader, "add_to_manifest", lambda *_, **__: None)
    for option in ([], ["--without-held"]):
        CliRunner().invoke(second_reader.main, option, catch_exceptions=False)

    released, without_held = written.values()
    held = {each.text for each in of_turns(each for each in dialogues if each.is_held)}
    assert held <= released
    assert without_held == {
        each.text for each in of_turns(each for each in dialogues if not each.is_held)
    }
    assert [*written] == [ARTIFACTS / SECOND_READER, second_reader.WITHOUT_HELD]


@pytest.mark.parametrize(
    ("severity", "categories", "subject", "need"),
    [
        (Severity.NONE, (), None, None),
        (Severity.URGENT, ("suicide",), "self", "suicide"),
        (Severity.IMMEDIATE, ("physical_abuse",), "self", "hurt_by_someone"),
        (Severity.URGENT, ("grooming",), "friend", "friend"),
        (Severity.URGENT, ("grooming",), "own_child", "adult_for_child"),
        (Severity.URGENT, ("grooming",), None, None),
    ],
)
def test_the_need_of_a_sentence_follows_from_its_labels(
    severity: Severity, categories: tuple[str, ...], subject: str | None, need: str | None
) -> None:
    assert need_of_sentence(TrainingText("words", severity, categories, subject, None)) == need


def test_the_network_learns_severity_and_need_from_what_is_known() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(1_500, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    grave, of_second = vectors[:, 0] > 0, vectors[:, 1] > 0
    due = np.stack([grave, grave, ~grave], axis=1).astype(np.float32)
    known = np.ones_like(due)
    known[:, 2] = 0
    needs = np.where(grave, of_second.astype(np.int64), UNKNOWN)

    found = trained(vectors, due, known, needs, classes=2)

    hidden = np.maximum(vectors * SCALE @ found["hidden_weight"].T + found["hidden_bias"], 0)
    scores = hidden @ found["weight"].T + found["bias"]
    assert ((scores[:, 0] > 0) == grave).mean() > 0.95
    assert ((scores[grave, 4] > scores[grave, 3]) == of_second[grave]).mean() > 0.95
    assert not (scores[~grave, 2] > 2).any()
