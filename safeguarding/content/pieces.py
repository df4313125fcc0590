"""Stories and tools: pieces that stand beside the answers and are shown in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from safeguarding.choices import choices
from safeguarding.content.answers import ANOTHER_WAY, contacts_named, message_of, section_for
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.head import PieceHead, contact_problems, head_problems
from safeguarding.content.items import Approved, nothing_approved
from safeguarding.content.piece_item import piece_item
from safeguarding.content.sections import Limits, Section, read_sections
from safeguarding.content.services import Audience
from safeguarding.messages import Choice, Message
from safeguarding.records import ContentError, Document, Problem, read_front_matter

Kind = Literal["story", "tool"]


class Head(PieceHead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The YAML head of a story or a tool."""

    audiences: list[Audience]
    """Who is offered it."""
    words: list[str]
    """How people name what it is about, in small letters."""
    part_of: str | None = None
    """The tool that leads to it, when it is not offered by itself."""


class Piece(msgspec.Struct, frozen=True):
    """One story or tool, ready to show."""

    head: Head
    sections: dict[str, Section]


class Pieces:
    """Every story, or every tool."""

    def __init__(self, kind: Kind, pieces: Mapping[str, Piece]) -> None:
        self._kind = kind
        self._pieces = pieces

    def __contains__(self, piece_id: object) -> bool:
        return piece_id in self._pieces

    def message(
        self,
        piece_id: str,
        audience: str | None,
        *,
        today: date,
        approved: Approved = nothing_approved,
        require_approval: bool = False,
    ) -> Message | None:
        """The piece in the words for this audience, without contacts.

        None when it is withheld: no such piece, none for this audience, past its review, or not
        signed where signatures are required.
        """
        piece = self._pieces.get(piece_id)
        section = section_for(piece.sections, audience) if piece else None
        if piece is None or section is None or today > piece.head.review_due:
            return None
        item = piece_item(self._kind, piece.head, piece.sections)
        signed = approved(item.id, item.digest)
        if require_approval and not signed:
            return None
        name = f"{self._kind}_{piece_id}"
        follow_ups = [f"ask_{topic}" for topic in piece.head.related]
        message = message_of(name, name, piece.head, section, follow_ups, approved=signed)
        if parts := self._parts(piece_id):
            message["choices"] = [*parts, choices().button(ANOTHER_WAY)]
        return message

    def contact_ids(self, piece_id: str, audience: str | None) -> list[str]:
        """The contacts named for this piece and audience; empty when there are none."""
        piece = self._pieces.get(piece_id)
        return contacts_named(piece.head, audience) if piece else []

    def buttons(self, audience: str | None) -> list[Choice]:
        """What there is to choose from; whoever has not said who they are sees all."""
        return [
            choices().button(f"{self._kind}_{piece_id}")
            for piece_id, piece in self._pieces.items()
            if piece.head.part_of is None and (audience is None or audience in piece.head.audiences)
        ]

    def leads_to(self, piece_id: str) -> str:
        """The piece by which this one is offered: itself, or what it is a part of."""
        piece = self._pieces[piece_id]
        return piece.head.part_of or piece_id

    def all(self) -> Mapping[str, Piece]:
        """The pieces by id."""
        return self._pieces

    def _parts(self, piece_id: str) -> list[Choice]:
        return [
            choices().button(f"{self._kind}_{part_id}")
            for part_id, part in self._pieces.items()
            if part.head.part_of == piece_id
        ]


def read_pieces(kind: Kind, folder: Path, directory: ContactDirectory | None) -> Pieces:
    """Every piece of a folder. Raises ContentError with all that is wrong."""
    found: dict[str, Piece] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.md")):
        try:
            found[path.stem] = read_piece(kind, path, directory)
        except ContentError as error:
            problems += error.problems
    problems += [
        Problem(folder / f"{id_}.md", 1, f"part of {piece.head.part_of!r}, which is not here")
        for id_, piece in found.items()
        if piece.head.part_of is not None and piece.head.part_of not in found
    ]
    if problems:
        raise ContentError(problems)
    return Pieces(kind, found)


LIMITS: Mapping[Kind, Limits] = {
    "story": Limits({"young_person": 290, "parent": 290, "professional": 290}),
    "tool": Limits({"young_person": 120, "parent": 140, "professional": 140}, most_steps=8),
}
TURNS = ("What was going on:", "How it ended:")
"""Paragraphs that every story has, so that the pattern is named and nobody is left in danger."""


def read_piece(kind: Kind, path: Path, directory: ContactDirectory | None) -> Piece:
    """One story or tool. Raises ContentError with all that is wrong with it.

    Without a directory the contacts it names are not looked up.
    """
    document, body = read_front_matter(path)
    head = document.convert(Head)
    sections, problems = read_sections(path, body, LIMITS[kind])
    problems += head_problems(document, head, path.stem)
    problems += _problems(kind, document, head, sections)
    if directory is not None:
        problems += contact_problems(document, head, directory)
    if problems:
        raise ContentError(problems)
    return Piece(head, sections)


def _problems(
    kind: Kind, document: Document, head: Head, sections: Mapping[str, Section]
) -> list[Problem]:
    problems = [
        document.problem(f"no words for a {audience}", "audiences", index)
        for index, audience in enumerate(head.audiences)
        if section_for(sections, audience) is None
    ]
    if not head.audiences:
        problems.append(document.problem("for nobody", "audiences"))
    if f"{kind}_{head.id}" not in choices():
        problems.append(document.problem(f"no button {kind}_{head.id} in choices.yml", "id"))
    problems += [
        Problem(document.path, 1, f"{audience}: no paragraph begins with {turn!r}")
        for audience, section in sections.items()
        for turn in (TURNS if kind == "story" else ())
        if f"\n\n{turn} " not in section.text
    ]
    return problems
