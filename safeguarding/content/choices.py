"""The buttons that a person can be offered; only their ids are accepted back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from safeguarding.messages import Choice
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import TOPIC_PREFIX


class ChoiceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One button: its permanent id, its label, and the Rasa intent it stands for.

    A button with an empty intent is answered by the gateway, and Rasa never sees it.
    """

    id: str
    label: str
    intent: str
    entities: dict[str, str] = {}


class Choices:
    """All buttons: those of content/choices.yml, and those of topics, areas and guides."""

    def __init__(
        self,
        records: list[ChoiceRecord],
        topics: Mapping[str, str],
        areas: Mapping[str, str],
        more: Iterable[ChoiceRecord] = (),
    ) -> None:
        """Take the labels of topics and areas by id, areas in the order of their buttons."""
        self._records = {record.id: record for record in [*records, *more]}
        self._areas = [f"area_{area}" for area in areas]
        for area, label in areas.items():
            button = ChoiceRecord(f"area_{area}", label, "choose_area", {"area": area})
            self._records[button.id] = button
        for topic, label in topics.items():
            intent = TOPIC_PREFIX + topic
            self._records[intent] = ChoiceRecord(intent, label, intent)

    def __contains__(self, choice_id: object) -> bool:
        return choice_id in self._records

    def __getitem__(self, choice_id: str) -> ChoiceRecord:
        return self._records[choice_id]

    def areas(self) -> list[Choice]:
        """Return the buttons that say where a person lives."""
        return [self.button(choice_id) for choice_id in [*self._areas, "area_elsewhere"]]

    def button(self, choice_id: str) -> Choice:
        """Return the button as it is shown. Raises KeyError for an unknown id."""
        return Choice(id=choice_id, label=self._records[choice_id].label)


def read_choices(
    path: Path,
    topics: Mapping[str, str],
    areas: Mapping[str, str],
    more: Iterable[ChoiceRecord] = (),
) -> Choices:
    """Read the buttons of `path`, and add one for each topic and area, and `more`.

    Raises ContentError.
    """
    document = read_yaml(path)
    records, problems = document.convert_each(ChoiceRecord, "choices")
    if problems:
        raise ContentError(problems)
    return Choices(records, topics, areas, more)
