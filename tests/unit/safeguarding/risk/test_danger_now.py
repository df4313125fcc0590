"""Danger at this moment is immediate, in whatever few words it is typed."""

from __future__ import annotations

import pytest

from safeguarding.risk.assessment import Turn
from safeguarding.risk.engine import RiskEngine
from safeguarding.taxonomy import Severity


@pytest.mark.parametrize(
    "message",
    [
        "i took them all",
        "i took all of them",
        "ive taken them all",
        "i took them all lol",
        "i took them all im sorry",
        "like 30 paracetamol",
        "about 20 tablets",
        "took 20 pills",
        "ive taken loads of tablets",
        "swallowed the whole packet",
        "its happening now",
        "it's happening right now",
        "its happening again right now pls",
        "he's here now hurting me",
        "hes here hitting my mum",
        "im not safe",
        "i'm not safe",
        "im not safe :(",
        "i dont feel safe right now",
        "not safe here",
    ],
)
def test_danger_at_this_moment_is_immediate(whole_engine: RiskEngine, message: str) -> None:
    assert whole_engine.assess(message).severity == Severity.IMMEDIATE


@pytest.mark.parametrize(
    "message",
    [
        "i took them all to school",
        "i took all of them with me",
        "i took them all for a walk",
        "i love those photos, i took them all on holiday",
        "like 30 people came",
        "its happening now the concert",
        "30 paracetamol in the shop limit",
        "the road is not safe here for bikes",
        "that video is not safe for work",
    ],
)
def test_the_same_words_about_something_else_are_no_danger(
    whole_engine: RiskEngine, message: str
) -> None:
    assert whole_engine.assess(message).severity < Severity.IMMEDIATE


@pytest.mark.parametrize("now", ["took them all", "she took the lot", "ive taken all of it"])
def test_what_was_taken_is_known_from_what_was_said_before(
    whole_engine: RiskEngine, now: str
) -> None:
    before = [
        Turn("user", "there are loads of tablets in mums drawer"),
        Turn("assistant", "Are you safe right now?"),
    ]

    assert whole_engine.assess(now, before).severity == Severity.IMMEDIATE
