"""The help card: the first words when a message shows risk. Needs its file and nothing else."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Literal, cast

import msgspec

from safeguarding.choices import choices
from safeguarding.content.wording import word_count
from safeguarding.messages import Choice, ContactCard, Message
from safeguarding.records import ContentError, Document, Problem, read_yaml
from safeguarding.taxonomy import CONTENT, Severity

CHILD_WORDS = 60
ADULT_WORDS = 90


class CardRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One card as the file holds it: already the message that is shown."""

    kind: Literal["help_card"]
    severity: Literal["immediate", "urgent", "none"]
    text: str
    contacts: list[ContactCard]
    choices: list[Choice]


class Variants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words for a young person (also for whoever has not said who they are) and for adults."""

    young_person: CardRecord
    adult: CardRecord


class Cards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pair of cards for each severity that hands over, and one that claims nothing."""

    immediate: Variants
    urgent: Variants
    none: Variants


class HelpCards:
    """Every help card, ready to show."""

    def __init__(self, cards: dict[str, dict[str, Message]]) -> None:
        self._cards = cards

    def message(self, severity: Severity, audience: str | None) -> Message:
        """The card for this severity; below urgent, the one that only holds the numbers.

        Whoever has not said who they are is spoken to as a young person.
        """
        label = severity.label if severity >= Severity.URGENT else "none"
        reader = "adult" if audience in {"parent", "professional"} else "young_person"
        return deepcopy(self._cards[label][reader])

    def messages(self) -> list[Message]:
        """Every card there is."""
        return [deepcopy(card) for pair in self._cards.values() for card in pair.values()]


@cache
def help_cards(path: Path = CONTENT / "help_card.yml") -> HelpCards:
    """Read the cards once per process. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    cards = document.convert(Cards, "cards")
    problems = [
        problem
        for label in Cards.__struct_fields__
        for reader in Variants.__struct_fields__
        for problem in _problems(document, getattr(getattr(cards, label), reader), label, reader)
    ]
    if problems:
        raise ContentError(problems)
    return HelpCards(cast("dict[str, dict[str, Message]]", document.data["cards"]))


def _problems(document: Document, card: CardRecord, label: str, reader: str) -> list[Problem]:
    where = ("cards", label, reader)
    problems = list(misnamed_buttons(document, card.choices, *where))
    limit = CHILD_WORDS if reader == "young_person" else ADULT_WORDS
    if (length := word_count(card.text)) > limit:
        problems.append(document.problem(f"{length} words; at most {limit}", *where, "text"))
    if card.severity != label:
        problems.append(document.problem(f"stands under `{label}`", *where, "severity"))
    problems += [
        document.problem(f"says nothing of {number}", *where, "text")
        for number in ("999", "0800 1111")
        if number not in card.text
    ]
    return problems


def misnamed_buttons(document: Document, buttons: list[Choice], *where: str | int) -> list[Problem]:
    """Buttons that the catalogue does not hold, or holds with another label."""
    known = choices()
    return [
        document.problem(f"no button {button['id']!r} with this label", *where, "choices", index)
        for index, button in enumerate(buttons)
        if button["id"] not in known or known.button(button["id"]) != button
    ]
