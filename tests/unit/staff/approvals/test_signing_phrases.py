"""What leads are told about the time that reading takes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.approvals.signing_phrases import SigningPhrases, duration
from tests.records import NOON


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (45, "45 seconds"),
        (119, "119 seconds"),
        (121, "3 minutes"),
        (7_199, "120 minutes"),
        (7_201, "3 hours"),
        (100_000, "28 hours"),
    ],
)
def test_a_duration_is_never_said_shorter_than_it_is(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_who_is_too_soon_is_told_how_long_and_until_when() -> None:
    phrases = read_phrases(CONTENT / "phrases").of("signing", SigningPhrases)

    said = phrases.wait(NOON + timedelta(seconds=40), NOON)

    assert said == "Reading this takes longer. You can go on in 40 seconds, at 12:00:40."
