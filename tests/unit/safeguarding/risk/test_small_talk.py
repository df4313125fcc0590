"""Small talk alone never makes a concern, whatever the assistant says in between."""

from __future__ import annotations

import pytest

from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.risk.engine import RiskEngine
from safeguarding.taxonomy import Severity

JOKE = (
    "Why did the lamp go to school? To get a bit brighter. That's the only joke I know! "
    "Is there something I can help with?"
)
HELLO = "Hi. I'm glad you're here. What's on your mind?"
FEELINGS = "Thanks for asking. I'm a computer program, so I don't have feelings. How are you doing?"
CHILDLINE = (
    "That's OK. If something is making you angry, you can tell me, or talk to Childline on "
    "0800 1111. What would you like to know?"
)
MORE = "You're welcome. Is there anything else?"
CONVERSATIONS = (
    ("hi", HELLO, "tell me a joke", JOKE, "bye"),
    ("hello", HELLO, "another joke please", JOKE, "are you real"),
    ("tell me a joke", JOKE, "that was helpful", MORE, "no"),
    ("how are you", FEELINGS, "good thanks", MORE, "bye"),
    ("tell me a joke", JOKE, "say that again", JOKE, "lol"),
    ("you are stupid", CHILDLINE, "jk", HELLO, "bye"),
    ("tell me a joke", JOKE, "you are stupid", CHILDLINE, "nothing"),
    ("testing 123", HELLO, "ok it works", MORE, "nope"),
    ("how are you", FEELINGS, "that didnt help", JOKE, "ok bye"),
    ("who made you", HELLO, "cool", MORE, "tell me a joke", JOKE, "haha"),
    ("yo", HELLO, "nothing much", FEELINGS, "bored", JOKE, "another", JOKE, "cya"),
    ("whats the weather", CHILDLINE, "ok", HELLO, "who won the football", MORE, "fine"),
)


def turns(said: tuple[str, ...]) -> list[Turn]:
    return [Turn("assistant" if at % 2 else "user", text) for at, text in enumerate(said)]


@pytest.mark.parametrize("said", CONVERSATIONS, ids=" / ".join)
def test_small_talk_alone_makes_no_concern(whole_engine: RiskEngine, said: tuple[str, ...]) -> None:
    held = turns(said)

    found = [
        whole_engine.assess(turn.text, held[:at])
        for at, turn in enumerate(held)
        if turn.by == "user"
    ]

    assert found == [NO_RISK] * len(found)


def test_an_answer_to_a_question_about_harm_still_counts(whole_engine: RiskEngine) -> None:
    asked = "I'm glad you told me. Has he hurt you, or made you do things you did not want?"

    found = whole_engine.assess("yeah he has", turns(("its about my uncle", asked)))

    assert found.severity >= Severity.URGENT
