"""What the gateway hands to Rasa arrives there as it was, and nothing else is taken for it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import numpy as np
import pytest

from safeguarding.risk.assessment import NO_RISK, WIDTH, AssessedMessage, Assessment, Signal
from safeguarding.taxonomy import Severity

VECTOR = np.random.default_rng(1).normal(size=WIDTH).astype(np.float32)
SIGNAL = Signal("x", "lexicon", "v1", "missing", Severity.URGENT, 0, 4)
URGENT = Assessment(Severity.URGENT, ("missing",), "self", (SIGNAL,))


def travelled(message: AssessedMessage) -> AssessedMessage:
    """Return the message as it comes out of a JSON body."""
    return AssessedMessage.from_record(json.loads(json.dumps(message.as_record())))


def test_assessment_and_vector_arrive_to_the_last_bit() -> None:
    arrived = travelled(AssessedMessage(URGENT, VECTOR))

    assert arrived.assessment == URGENT
    assert arrived.vector is not None
    assert arrived.vector.dtype == np.float32
    assert np.array_equal(arrived.vector, VECTOR)


def test_a_message_without_a_vector_arrives_without_one() -> None:
    assert travelled(AssessedMessage(NO_RISK, None)) == AssessedMessage(NO_RISK, None)


def test_the_vector_travels_as_little_endian_floats_in_base64() -> None:
    packed = AssessedMessage(NO_RISK, VECTOR).as_record()["vector"]

    assert np.array_equal(np.frombuffer(b64decode(packed), "<f4"), VECTOR)


@pytest.mark.parametrize(
    "vector",
    ["not base64!", b64encode(b"odd").decode(), 7, ["a"], {"minilm": "", "use": ""}],
)
def test_a_vector_that_cannot_be_read_is_refused(vector: object) -> None:
    record = {"assessment": NO_RISK.as_record(), "vector": vector}

    with pytest.raises((TypeError, ValueError)):
        AssessedMessage.from_record(record)


@pytest.mark.parametrize("length", [0, 1, 384, WIDTH - 1, WIDTH + 1, 2 * WIDTH])
def test_a_vector_of_another_length_is_refused(length: int) -> None:
    record = AssessedMessage(NO_RISK, np.ones(length, np.float32)).as_record()

    with pytest.raises(ValueError, match=f"a vector of {length} numbers, not {WIDTH}"):
        AssessedMessage.from_record(record)


@pytest.mark.parametrize("name", ["dialogue", "question"])
def test_the_vectors_of_the_planner_arrive_if_they_have_two_halves(name: str) -> None:
    sent = AssessedMessage(NO_RISK, VECTOR, **{name: np.concatenate([VECTOR, VECTOR])})
    too_short = AssessedMessage(NO_RISK, VECTOR, **{name: VECTOR})

    assert np.array_equal(getattr(travelled(sent), name), getattr(sent, name))
    # While one process after another is updated, a gateway may still send the shorter one.
    assert getattr(travelled(too_short), name) is None


@pytest.mark.parametrize("part", ["assessment", "vector"])
def test_a_record_that_lacks_a_part_is_refused(part: str) -> None:
    record = AssessedMessage(NO_RISK, VECTOR).as_record()
    del record[part]

    with pytest.raises(KeyError, match=part):
        AssessedMessage.from_record(record)
