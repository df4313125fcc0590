"""Each stage that the bench times is a function of the product, in the room's own environment."""

from __future__ import annotations

import functools
import importlib
from importlib.util import find_spec

import pytest

from lab.bench.stages import ROOMS

ROOMS_HERE = ["rasa"] if find_spec("rasa") else ["gateway", "screening", "actions"]
"""The rooms whose environment runs this test: Rasa's or that of the services."""


PLACES = [place for room in ROOMS_HERE for place in ROOMS[room][1].values()]


@pytest.mark.parametrize("place", PLACES)
def test_each_timed_stage_exists(place: str) -> None:
    module, _, path = place.partition(":")

    assert callable(functools.reduce(getattr, path.split("."), importlib.import_module(module)))
