"""The buttons a person can be offered; only ids known here are accepted back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from safeguarding.content.areas import AreaRecord, areas
from safeguarding.messages import Choice
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import CONTENT, taxonomy


class ChoiceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One button: its permanent id, its words, and the Rasa intent it stands for."""

    id: str
    label: str
    intent: str
    entities: dict[str, str] = {}


class Choices:
    """The catalogue: what content/choices.yml lists, and a button for every topic and area."""

    def __init__(
        self,
        records: list[ChoiceRecord],
        topic_labels: dict[str, str],
        areas: Mapping[str, AreaRecord],
    ) -> None:
        self._records = {record.id: record for record in records}
        self._areas = [f"area_{area}" for area in areas]
        for area, head in areas.items():
            button = ChoiceRecord(f"area_{area}", head.label, "choose_area", {"area": area})
            self._records[button.id] = button
        for topic in taxonomy().topics:
            label = topic_labels.get(topic, topic.replace("_", " ").capitalize())
            self._records[f"ask_{topic}"] = ChoiceRecord(f"ask_{topic}", label, f"ask_{topic}")

    def __contains__(self, choice_id: object) -> bool:
        return choice_id in self._records

    def __getitem__(self, choice_id: str) -> ChoiceRecord:
        return self._records[choice_id]

    def areas(self) -> list[Choice]:
        """The buttons that say where a person lives."""
        return [self.button(choice_id) for choice_id in [*self._areas, "area_elsewhere"]]

    def button(self, choice_id: str) -> Choice:
        """The button as it is shown. Raises KeyError for an id that is not in the catalogue."""
        return Choice(id=choice_id, label=self._records[choice_id].label)


@cache
def choices(path: Path = CONTENT / "choices.yml") -> Choices:
    """Read the catalogue once per process. Raises ContentError."""
    document = read_yaml(path)
    records, problems = document.convert_each(ChoiceRecord, "choices")
    if problems:
        raise ContentError(problems)
    labels = document.convert(dict[str, str], "topic_labels")
    return Choices(records, labels, areas(path.parent / "contacts"))
