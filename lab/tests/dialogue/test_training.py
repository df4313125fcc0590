"""The places in which the model of the dialogue learns messages: what came before each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from lab.dialogue.conversations import DialogueTurn, LabelledDialogue
from lab.dialogue.linear import in_halves
from lab.dialogue.turns import LabelledTurn, labelled_turns, leaning
from safeguarding.content.facts import Facts
from safeguarding.content.replies import ReplyRecord
from safeguarding.dialogue.encoder import HALF

REPLIES = {
    id_: ReplyRecord(id=id_, label=id_, acts=["opens"], asked=[]) for id_ in ("go_ahead", "block")
}
FACTS = Facts({"is_adult": "They are grown up."}, {"is_adult": re.compile("grown man")})


def learned(*turns: dict[str, object], audience: str | None = None) -> list[LabelledTurn]:
    made: Sequence[DialogueTurn] = msgspec.convert(turns, tuple[DialogueTurn, ...])
    dialogue = LabelledDialogue("x", audience, "x", tuple(made))
    return list(labelled_turns([dialogue], REPLIES, FACTS, str.lower, {"bag": "county_lines"}.get))


def test_the_first_message_comes_after_nothing() -> None:
    (turn,) = learned({"user": "Hiya", "act": "opens", "right": ["go_ahead"]}, audience="parent")

    assert (turn.text, turn.act, turn.right) == ("Hiya", "opens", ("go_ahead",))
    assert (turn.place.last_kind, turn.place.last_reply, turn.place.need) == ("none", None, None)
    assert (turn.place.audience, turn.place.asked) == ("parent", False)


def test_a_need_is_in_hand_from_the_message_that_tells_it() -> None:
    told = {"user": "he hits me", "need": "hurt_by_someone"}
    before, at, after = learned({"user": "hiya"}, told, {"user": "ok"})

    assert (before.place.need, before.place.need_after) == (None, None)
    assert (at.place.need, at.place.need_after) == (None, "hurt_by_someone")
    assert (after.place.need, after.place.need_after) == ("hurt_by_someone", "hurt_by_someone")


@pytest.mark.parametrize(
    ("said", "kind", "reply"),
    [
        ([{"reply": "go_ahead"}], "reply", "go_ahead"),
        ([{"reply": "card"}, {"reply": "block"}], "reply", "block"),
        ([{"reply": "card"}], "card", None),
        ([{"reply": "999"}], "card", None),
        ([{"reply": "ask"}], "ask", None),
        ([{"lantern": "Hello."}], "other", None),
        ([], "none", None),
    ],
)
def test_what_was_said_last_is_known(
    said: list[dict[str, object]], kind: str, reply: str | None
) -> None:
    last = learned({"user": "hiya"}, *said, {"user": "ok"})[-1]

    assert (last.place.last_kind, last.place.last_reply) == (kind, reply)


def test_only_a_question_is_answered() -> None:
    _, asked, after = learned(
        {"user": "hiya"},
        {"lantern": "How old are you? "},
        {"user": "12"},
        {"lantern": "Thanks."},
        {"user": "ok"},
    )

    assert (asked.place.asked, after.place.asked) == (True, False)


def test_every_reply_that_was_given_and_every_fact_that_was_said_is_kept() -> None:
    *_, last = learned(
        {"user": "hes a Grown Man"},
        {"reply": "go_ahead"},
        {"user": "and"},
        {"reply": "block"},
        {"user": "ok"},
    )

    assert last.place.said == {"go_ahead", "block"}
    assert last.place.facts == {"is_adult"}


def test_the_category_of_a_topic_counts_only_where_something_was_told() -> None:
    asked, told = learned(
        {"user": "what is a bag", "topic": "bag"},
        {"user": "he gave me one", "topic": "bag", "need": "hurt_by_someone"},
    )

    assert (asked.place.categories, told.place.categories) == (set(), {"county_lines"})


def test_one_conversation_is_no_part_of_the_next() -> None:
    one = LabelledDialogue("a", None, "x", (DialogueTurn(user="a grown man", need="friend"),))
    two = LabelledDialogue("b", None, "x", (DialogueTurn(user="hiya"),))
    _, turn = labelled_turns([one, two], REPLIES, FACTS, str.lower, lambda _: None)

    assert (turn.place.facts, turn.place.need_after) == (frozenset(), None)


def test_the_sum_of_two_models_keeps_each_encoder_to_its_own_columns() -> None:
    """The second encoder knows nothing here, so its weights stay near zero."""
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 2
    x = np.zeros((60, 2 * HALF + 1), np.float32)
    x[:, 0] = np.where(labels, 1, -1)
    x[:, HALF : HALF + 3] = rng.normal(size=(60, 3)) * 1e-3
    x[:, -1] = 1
    weight, bias = in_halves(x, labels, 2, np.ones(60, np.float32), 1.0)

    scores = x @ weight.T + bias
    assert (scores.argmax(1) == labels).all()
    assert weight.shape == (2, 2 * HALF + 1)
    assert np.abs(weight[:, 0]).min() > 10 * np.abs(weight[:, HALF : 2 * HALF]).max()


class Asked:
    """Finds that a message asks for the reply of which its vector is the number."""

    def asked(self, vector: np.ndarray[Any, Any]) -> dict[str, float]:
        return {["go_ahead", "block"][int(vector[0])]: 0.8}


class Themes:
    """Each reply is a theme."""

    def in_themes(self, weights: dict[str, float]) -> dict[str, float]:
        return weights


def test_a_message_knows_what_the_ones_before_it_in_its_conversation_asked_for() -> None:
    one = learned({"user": "hiya"}, {"user": "and him"}, {"user": "ok"})
    turns, vectors = [*one, *learned({"user": "new"})], np.array([[0], [1], [0], [1]])

    found = [each.place.leaning for each in leaning(turns, vectors, Asked(), Themes())]

    assert [each.begins for each in turns] == [True, False, False, True]
    assert found == [{}, {"go_ahead": 0.8}, {"block": 0.8, "go_ahead": 0.4}, {}]
