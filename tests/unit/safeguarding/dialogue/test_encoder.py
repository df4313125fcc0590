"""The vector of the planner: two encoders, and what came before the message."""

from __future__ import annotations

import numpy as np
import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import HALF, WIDTH, DialogueEncoder, context_of, loaded_encoder
from safeguarding.risk.encoder.vectors import AFTER, Encoded
from safeguarding.taxonomy import ROOT, Severity
from tests.content import real_content

OF_RISK = np.full(HALF, 0.5, np.float32)
needs_encoder = pytest.mark.skipif(
    not (ROOT / "models" / "mpnet_dialogue.onnx").exists(), reason="the encoder is not built"
)


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


def test_of_long_words_before_the_end_is_read_and_of_a_label_the_beginning() -> None:
    assert context_of("a" * 300 + "z", "l" * 300) == "a" * 159 + "z / " + "l" * 120


def test_a_huge_message_is_cut(encoder: DialogueEncoder, noted: Noted) -> None:
    encoder.vector("he " * 50_000, OF_RISK)

    assert len(noted.read[0]) == 10_000


def test_it_knows_the_labels_of_the_bank(noted: Noted) -> None:
    replies = real_content().replies.all()
    made = DialogueEncoder.of(noted, replies, str.lower)

    assert made.labels.keys() == replies.keys()
    assert all(made.labels[id_] == each.label.lower() for id_, each in replies.items())


@needs_encoder
def test_the_real_encoder_reads_a_word_differently_after_another_question() -> None:
    encode = loaded_encoder()
    asked = encode(f"he hits me / are you safe{AFTER}no").vector
    offered = encode(f"i like football / shall i tell you a joke{AFTER}no").vector

    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-5)
    assert float(asked @ offered) < 0.95
