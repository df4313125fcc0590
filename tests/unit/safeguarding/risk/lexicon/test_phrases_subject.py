"""Whether the words of a message name a friend."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("my mate says he wants to die", True),
        ("a really good friend of mine is hurt", True),
        ("my pal is meeting a man from the game", True),
        ("shes crying in her room", False),
        ("a man at swimming said its our secret", False),
    ],
)
def test_a_friend_is_named_or_not(engine: RiskEngine, text: str, named: bool) -> None:
    reading = engine._phrases.read(text)

    assert engine._phrases.names_a_friend(reading) is named
