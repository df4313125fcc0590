"""The reply to a pasted chat: which warning signs it shows, never a verdict on a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from safeguarding.content.article_file import References
from safeguarding.content.articles import ANOTHER_WAY
from safeguarding.content.choices import Choices
from safeguarding.content.items import Item, Provenance, Showing, SourceRecord, yaml_item
from safeguarding.messages import Message
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import PARENT, SIGNS, YOUNG_PERSON, reading_order

ID, TITLE = "chat_signs", "What is said of a pasted chat"
TOPIC = "chat"
MOST_SIGNS = 5
"""More would read like a charge sheet."""
LONGEST_QUOTE = 120
READERS = (YOUNG_PERSON, PARENT)


class ChatSignsReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The texts that one audience reads."""

    title: str
    stands_out: str
    """The text above the signs."""
    signs: dict[str, str]
    not_proof: str
    """The text below the signs."""
    steps: list[str]
    quiet: str
    """The text when no sign was found. It never says or implies that a chat is fine."""
    worried: str
    """The text when no sign was found but the person shows a worry."""
    quiet_steps: list[str]
    related: list[str]
    contacts: list[str]
    """The contacts when no sign was found; otherwise the directory chooses them."""

    @property
    def all(self) -> str:
        """All texts together."""
        texts = [self.stands_out, *self.signs.values(), self.not_proof, *self.steps]
        return "\n".join([*texts, self.quiet, self.worried, *self.quiet_steps])


class _ChatSignsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    provenance: Provenance
    sources: list[SourceRecord]
    young_person: ChatSignsReading
    parent: ChatSignsReading


@dataclass(frozen=True)
class Shown:
    """One sign that a chat shows, and the line that shows it."""

    sign: str
    quote: str


class ChatSigns:
    """The texts for every sign, by reader."""

    def __init__(self, file: _ChatSignsFile, item: Item, choices: Choices) -> None:
        self.by_reader: Mapping[str, ChatSignsReading] = {
            YOUNG_PERSON: file.young_person,
            PARENT: file.parent,
        }
        self._sources = file.sources
        self._item = item
        self._choices = choices

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text of each audience."""
        return {reader: reading.all for reader, reading in self.by_reader.items()}

    def message(
        self,
        shown: Sequence[Shown],
        audience: str | None,
        showing: Showing,
        *,
        worried: bool = False,
    ) -> Message | None:
        """Return what stands out in a chat, the gravest first, without contacts.

        `worried`: the person's own words beside the chat show a worry. None when it is withheld.
        """
        reading = self._for(audience)
        if shown:
            text, steps = _stands_out(reading, shown), reading.steps
        else:
            text, steps = reading.worried if worried else reading.quiet, reading.quiet_steps
        buttons = [*(f"ask_{topic}" for topic in reading.related), ANOTHER_WAY]
        return showing.message(
            self._item,
            topic=TOPIC,
            title=reading.title,
            text=text,
            steps=steps,
            sources=self._sources,
            choices=[self._choices.button(choice_id) for choice_id in buttons],
        )

    def contact_ids(self, audience: str | None) -> list[str]:
        """Return the contacts shown below a chat in which no sign was found."""
        return list(self._for(audience).contacts)

    def _for(self, audience: str | None) -> ChatSignsReading:
        readers = reading_order(audience)
        return next(self.by_reader[reader] for reader in readers if reader in self.by_reader)


def read_chat_signs(path: Path, references: References) -> ChatSigns:
    """Read the texts of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    file = document.convert(_ChatSignsFile)
    problems = [
        problem
        for audience in READERS
        for problem in _wrong(document, audience, getattr(file, audience), references)
    ]
    if not file.sources:
        problems.append(document.problem("no source", "sources"))
    return sound(ChatSigns(file, yaml_item(ID, TITLE, path), references.choices), problems)


def _stands_out(reading: ChatSignsReading, shown: Sequence[Shown]) -> str:
    once = {each.sign: each for each in reversed(shown)}
    chosen = [once[sign] for sign in dict.fromkeys(each.sign for each in shown)][:MOST_SIGNS]
    lines = [f"{reading.signs[each.sign]}\n{_quoted(each.quote)}".strip() for each in chosen]
    return "\n\n".join([reading.stands_out, *lines, reading.not_proof])


def _quoted(line: str) -> str:
    plain = " ".join(line.split())
    if len(plain) > LONGEST_QUOTE:
        plain = f"{plain[:LONGEST_QUOTE].rstrip()} …"
    return f"“{plain}”" if plain else ""


def _wrong(
    document: YamlDocument, audience: str, reading: ChatSignsReading, references: References
) -> Iterator[Problem]:
    for sign in SIGNS:
        if sign not in reading.signs:
            yield document.problem(f"no words for {sign}", audience, "signs")
    for sign in reading.signs:
        if sign not in SIGNS:
            yield document.problem(f"{sign!r} is no sign", audience, "signs", sign)
    for topic in reading.related:
        if f"ask_{topic}" not in references.choices:
            yield document.problem(f"no button ask_{topic}", audience, "related")
    known = references.contacts.records() if references.contacts else reading.contacts
    for contact_id in reading.contacts:
        if contact_id not in known:
            yield document.problem(f"no contact {contact_id!r}", audience, "contacts")
