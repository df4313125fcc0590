"""A reviewed phrase holds a message up for violence, and for no rough play."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine
from safeguarding.taxonomy import Severity


@pytest.mark.parametrize(
    "text",
    [
        "dad dunked me in the sea",
        "my brother chucked me in the pool",
        "dad chucked me in the pool",
        "dad threw me in the sea and then we had ice cream",
        "mum pushed me in the paddling pool",
        "dad threw me up in the air",
        "mum pushed me down the slide",
        "dad dragged me round on the sledge",
        "mum dragged me to tesco",
        "mum grabbed me a coffee",
        "coach grabbed me for a chat",
        "coach pushed me really hard in training",
        "dad kicked me off the xbox",
        "coach hit us with fitness drills",
        "dad slapped me on the back and said well done",
    ],
)
def test_no_phrase_fires_on_play_and_errands(engine: RiskEngine, text: str) -> None:
    assert engine.assess(text).severity == Severity.NONE


@pytest.mark.parametrize(
    "text",
    [
        "dad held my head under the water",
        "dad held me under the water",
        "he held me under in the pool",
        "dad dunked me under and wouldnt let me up",
        "dad threw me in the pool and i couldnt breathe",
        "dad chucked me in the lake and i cant swim",
        "dad threw me in the sea to punish me",
        "dad shoved me in the pool when he was angry",
        "dad threw me in the cold bath",
        "dad threw me on the bed",
        "dad pushed me down the stairs",
        "dad grabbed me by the throat",
        "dad dragged me out of bed by my hair",
        "dad slapped me on the back of the head",
        "dad chucked me in the pool and then he hit me",
    ],
)
def test_a_phrase_still_fires_on_violence(engine: RiskEngine, text: str) -> None:
    assert engine.assess(text).severity >= Severity.URGENT
