"""The vector of the planner: two encoders, and what came before the message."""

from __future__ import annotations

import numpy as np
import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import HALF, WIDTH, DialogueEncoder
from safeguarding.risk.encoder.vectors import AFTER, Encoded
from safeguarding.taxonomy import Severity
from tests.content import real_content

OF_RISK = np.full(HALF, 0.5, np.float32)


class Noted:
    """Notes what is read; its vector points along the first axis."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, text: str) -> Encoded:
        self.read.append(text)
        pieces = np.zeros((2, HALF), np.float32)
        pieces[:, 0] = 3
        return Encoded(pieces, ((0, 0), (0, 0)))


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def encoder(noted: Noted) -> DialogueEncoder:
    return DialogueEncoder(noted, {"block": "how do i block them"})


def test_a_vector_is_that_of_risk_and_then_its_own(encoder: DialogueEncoder) -> None:
    found = encoder.vector("he hurt me", OF_RISK)

    assert found.shape == (WIDTH,)
    assert np.array_equal(found[:HALF], OF_RISK)
    assert found[HALF:].tolist() == [1, *[0] * (HALF - 1)]


def test_a_message_is_read_after_what_came_before(encoder: DialogueEncoder, noted: Noted) -> None:
    encoder.vector("ok", OF_RISK, "he hurt me / block")
    encoder.vector("ok", OF_RISK)

    assert noted.read == [f"he hurt me / block{AFTER}ok", "ok"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ConversationState(said=("block",), last_kind="reply"), "how do i block them"),
        (ConversationState(said=("gone",), last_kind="reply"), ""),
        (ConversationState(said=("block",), last_kind="card"), "card"),
        (ConversationState(severity=Severity.IMMEDIATE, last_kind="card"), "999"),
        (ConversationState(last_kind="ask"), "ask"),
        (ConversationState(last_kind="article"), ""),
    ],
)
def test_what_lantern_said_last_stands_beside_the_words_before(
    encoder: DialogueEncoder, state: ConversationState, said: str
) -> None:
    assert encoder.context("he hurt me", state) == f"he hurt me / {said}"


def test_a_first_message_has_nothing_before_it(encoder: DialogueEncoder) -> None:
    assert encoder.context("", ConversationState()) == ""


def test_a_huge_message_is_cut(encoder: DialogueEncoder, noted: Noted) -> None:
    encoder.vector("he " * 50_000, OF_RISK)

    assert len(noted.read[0]) == 10_000


def test_it_knows_the_labels_of_the_bank(noted: Noted) -> None:
    replies = real_content().replies.all()
    made = DialogueEncoder.of(noted, replies, str.lower)

    assert made.labels.keys() == replies.keys()
    assert all(made.labels[id_] == each.label.lower() for id_, each in replies.items())
