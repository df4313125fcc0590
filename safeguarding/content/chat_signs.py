"""What is said of a chat that somebody pasted: what stands out, never a verdict on a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from safeguarding.choices import choices
from safeguarding.content.answers import ANOTHER_WAY, FALLBACKS
from safeguarding.content.contacts import ContactDirectory, contact_directory
from safeguarding.content.file_items import yaml_item
from safeguarding.content.head import Provenance, SourceHead
from safeguarding.content.items import Approved, Item, nothing_approved
from safeguarding.messages import Message, Source
from safeguarding.records import ContentError, Document, Problem, read_yaml
from safeguarding.risk.dialogues import SIGNS
from safeguarding.taxonomy import CONTENT

TOPIC, TITLE = "chat", "What is said of a pasted chat"
MOST_SIGNS = 5
"""More would read like a charge sheet."""
LONGEST_QUOTE = 120


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one audience reads."""

    title: str
    stands_out: str
    """Above the signs."""
    signs: dict[str, str]
    not_proof: str
    """Below them."""
    steps: list[str]
    quiet: str
    """When nothing stands out."""
    worried: str
    """When nothing stands out, and what the person says beside the chat shows a worry."""
    quiet_steps: list[str]
    related: list[str]
    contacts: list[str]
    """Who is shown when nothing stands out; otherwise the directory decides."""

    @property
    def all(self) -> str:
        """Everything in it that a person reads."""
        texts = [self.stands_out, *self.signs.values(), self.not_proof, *self.steps]
        return "\n".join([*texts, self.quiet, self.worried, *self.quiet_steps])


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    provenance: Provenance
    sources: list[SourceHead]
    young_person: Words
    parent: Words


@dataclass(frozen=True)
class Shown:
    """One sign that a chat shows, and the line that shows it."""

    sign: str
    quote: str


class ChatSigns:
    """The words for every sign, by who reads them."""

    def __init__(self, file: _File, item: Item) -> None:
        self.words: Mapping[str, Words] = {
            "young_person": file.young_person,
            "parent": file.parent,
        }
        self.provenance = file.provenance
        self._sources = file.sources
        self._item = item

    def message(
        self,
        shown: Sequence[Shown],
        audience: str | None,
        *,
        worried: bool = False,
        today: date,
        approved: Approved = nothing_approved,
        require_approval: bool = False,
    ) -> Message | None:
        """What stands out in a chat, the weightiest first, without contacts.

        `worried`: what the person says beside the chat shows a worry. None when the words are
        withheld: past their review, or not signed where signatures are required.
        """
        signed = approved(self._item.id, self._item.digest)
        if today > self.provenance.review_due or (require_approval and not signed):
            return None
        words = self._for(audience)
        if shown:
            text, steps = _stands_out(words, shown), words.steps
        else:
            text, steps = words.worried if worried else words.quiet, words.quiet_steps
        buttons = [*(f"ask_{topic}" for topic in words.related), ANOTHER_WAY]
        return Message(
            kind="answer",
            topic=TOPIC,
            title=words.title,
            text=text,
            steps=list(steps),
            sources=[_source(source) for source in self._sources],
            reviewed_on=self.provenance.reviewed_on.isoformat(),
            review_due=self.provenance.review_due.isoformat(),
            approved=signed,
            choices=[choices().button(choice_id) for choice_id in buttons],
        )

    def contact_ids(self, audience: str | None) -> list[str]:
        """Who is shown below a chat in which nothing stands out."""
        return list(self._for(audience).contacts)

    def _for(self, audience: str | None) -> Words:
        readers = FALLBACKS.get(audience, FALLBACKS[None])
        return next(self.words[reader] for reader in readers if reader in self.words)


def _stands_out(words: Words, shown: Sequence[Shown]) -> str:
    once = {each.sign: each for each in reversed(shown)}
    chosen = [once[sign] for sign in dict.fromkeys(each.sign for each in shown)][:MOST_SIGNS]
    said = [f"{words.signs[each.sign]}\n{_quoted(each.quote)}".strip() for each in chosen]
    return "\n\n".join([words.stands_out, *said, words.not_proof])


def _quoted(line: str) -> str:
    plain = " ".join(line.split())
    if len(plain) > LONGEST_QUOTE:
        plain = f"{plain[:LONGEST_QUOTE].rstrip()} …"
    return f"“{plain}”" if plain else ""


def _source(source: SourceHead) -> Source:
    return Source(
        title=source.title,
        publisher=source.publisher,
        url=source.url,
        date=source.published or "",
    )


def read_chat_signs(path: Path, directory: ContactDirectory | None) -> ChatSigns:
    """The words of `path`. Raises ContentError with all that is wrong.

    Without a directory the contacts they name are not looked up.
    """
    document = read_yaml(path)
    file = document.convert(_File)
    problems = [
        problem
        for audience in ("young_person", "parent")
        for problem in _wrong(document, audience, getattr(file, audience), directory)
    ]
    if not file.sources:
        problems.append(document.problem("no source", "sources"))
    if problems:
        raise ContentError(problems)
    return ChatSigns(file, yaml_item("chat_signs", TITLE, path))


def _wrong(
    document: Document, audience: str, words: Words, directory: ContactDirectory | None
) -> Iterator[Problem]:
    for sign in SIGNS:
        if sign not in words.signs:
            yield document.problem(f"no words for {sign}", audience, "signs")
    for sign in words.signs:
        if sign not in SIGNS:
            yield document.problem(f"{sign!r} is no sign", audience, "signs", sign)
    for topic in words.related:
        if f"ask_{topic}" not in choices():
            yield document.problem(f"no button ask_{topic}", audience, "related")
    for contact_id in words.contacts if directory else ():
        if directory is not None and contact_id not in directory.records():
            yield document.problem(f"no contact {contact_id!r}", audience, "contacts")


@cache
def chat_signs(path: Path = CONTENT / "chat_signs.yml") -> ChatSigns:
    """Read the words once per process. Raises ContentError."""
    return read_chat_signs(path, contact_directory())
