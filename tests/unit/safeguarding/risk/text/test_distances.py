"""Kilometres are a distance; the same letters alone are what young people write for suicide."""

from __future__ import annotations

import pytest

from safeguarding.risk.lexicon.reader import Lexicon


def means_suicide(lexicon: Lexicon, text: str) -> bool:
    return "kill myself" in " ".join(lexicon.normaliser(text).words)


@pytest.mark.parametrize(
    "text",
    [
        "its 12 kms to nans",
        "ran 5kms",
        "ran 5 kms",
        "five kms to go",
        "its about 3 kms away",
        "we did 20 more kms",
        "how many kms is it to leeds",
        "a few kms",
        "couple of kms down the road",
        "convert 3 miles to kms",
        "is it kms or miles",
        "the limit is 100 kms an hour",
        "how far in kms",
    ],
)
def test_beside_a_number_or_in_a_conversion_it_is_a_distance(lexicon: Lexicon, text: str) -> None:
    assert not means_suicide(lexicon, text)


@pytest.mark.parametrize(
    "text",
    [
        "kms",
        "im gonna kms",
        "kms lol",
        "told me to kms",
        "i want to kms",
        "if he says no again kms",
        "give me 5 mins then kms",
        "im 13 kms",
        "i got 2 out of 10 kms",
        "failed 3 kms",
        "im gonna kms away from everyone",
        "ill kms an hour from now",
    ],
)
def test_everywhere_else_it_keeps_what_it_means(lexicon: Lexicon, text: str) -> None:
    assert means_suicide(lexicon, text)
