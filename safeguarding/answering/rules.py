"""Rasa's rules and domain, read without Rasa: what answers an intent, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from safeguarding.answering.parsed import Entity
from safeguarding.answering.responses import responses
from safeguarding.content.reader import Content
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import ROOT, TOPIC_PREFIX

RULES, DOMAIN = ROOT / "data" / "rules", ROOT / "domain.yml"
ANSWER, FALLBACK = "action_answer", "action_offer_topics"
"""The action of a topic that has no rule of its own, and that of an intent without a rule."""
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Rules:
    """Which actions answer an intent. Every rule is one intent and then its actions."""

    def __init__(self, content: Content, folder: Path = RULES) -> None:
        """Read every file of the folder. Raises ContentError for a rule of another form."""
        self._actions = {TOPIC_PREFIX + topic: (ANSWER,) for topic in content.articles.all()}
        for path in sorted(folder.glob("*.yml")):
            for rule in _read(path)["rules"]:
                intent, *steps = rule["steps"]
                if [*intent] != ["intent"] or any([*step] != ["action"] for step in steps):
                    raise ContentError([Problem(path, 1, f"rule {rule['rule']!r}: another form")])
                self._actions[intent["intent"]] = tuple(step["action"] for step in steps)

    def actions(self, intent: str) -> tuple[str, ...]:
        """Return the names of the actions that answer an intent, in their order."""
        return self._actions.get(intent, (FALLBACK,))


@dataclass(frozen=True)
class SlotMapping:
    """A slot that an entity fills, in messages of one intent only where it names one."""

    slot: str
    entity: str
    intent: str | None


class Domain:
    """The slots and the responses of domain.yml, and the help cards of the content."""

    def __init__(self, content: Content, path: Path = DOMAIN) -> None:
        """Read slots and responses. Raises ContentError for unsound content."""
        read = _read(path)
        self._mappings = [
            SlotMapping(slot, mapping["entity"], mapping.get("intent"))
            for slot, record in read["slots"].items()
            for mapping in record["mappings"]
            if mapping["type"] != "custom"
        ]
        self._responses: Mapping[str, Sequence[Mapping[str, Any]]] = {
            **read["responses"],
            **responses(content),
        }

    def filled(self, intent: str, entities: Iterable[Entity]) -> dict[str, str]:
        """Return the slots that a message fills: of each the first mapping that has a value.

        Of several values of an entity the last one counts.
        """
        values = {each["entity"]: each["value"] for each in entities}
        found: dict[str, str] = {}
        for mapping in self._mappings:
            fits = mapping.intent in {None, intent} and mapping.slot not in found
            if fits and values.get(mapping.entity):
                found[mapping.slot] = values[mapping.entity]
        return found

    def variants(self, action: str, slots: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the wordings of a response that fit: those with a condition before the others."""
        every = self._responses[action]
        conditional = [each for each in every if "condition" in each and _holds(each, slots)]
        return conditional or [each for each in every if "condition" not in each]


def _holds(response: Mapping[str, Any], slots: Mapping[str, Any]) -> bool:
    return all(slots.get(each["name"]) == each["value"] for each in response["condition"])


def _read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
