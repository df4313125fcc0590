"""Each stage that the bench names in Rasa is a function of this Rasa."""

from __future__ import annotations

import functools
import importlib

import pytest

from lab.stages import ROOMS


@pytest.mark.parametrize("place", ROOMS["rasa"][1].values())
def test_each_stage_of_rasa_is_there(place: str) -> None:
    module, _, path = place.partition(":")

    assert callable(functools.reduce(getattr, path.split("."), importlib.import_module(module)))
