"""What the gateway knows of a conversation, in the form that fills Rasa's slots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.shared.nlu.constants import ENTITY_ATTRIBUTE_TYPE, ENTITY_ATTRIBUTE_VALUE

RISK = "risk"
"""The key beside the intent under which the tracker carries a message's assessment."""
CONTEXT = ("audience", "area")


def entity(name: str, value: str) -> dict[str, Any]:
    """One entity as Rasa keeps it."""
    return {ENTITY_ATTRIBUTE_TYPE: name, ENTITY_ATTRIBUTE_VALUE: value}


def context_entities(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`known_audience` and `known_area`, as far as the gateway knows them.

    They have names of their own: an audience found in the text counts only when the person says
    who they are ("dont tell my mum" is not a mum writing).
    """
    return [entity(f"known_{name}", known[name]) for name in CONTEXT if known.get(name)]
