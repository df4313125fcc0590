"""One answer's file: its head and its sections, read strictly."""

from __future__ import annotations

from pathlib import Path

import msgspec

from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.head import PieceHead, contact_problems, head_problems
from safeguarding.content.sections import Section, read_sections
from safeguarding.records import ContentError, read_front_matter
from safeguarding.taxonomy import taxonomy


class Head(PieceHead, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The YAML head of an answer."""

    as_of: str | None = None
    """The year of the figures in it, which the text must name."""


class Answer(msgspec.Struct, frozen=True):
    """One topic, ready to show."""

    head: Head
    sections: dict[str, Section]


def read_answer(path: Path, directory: ContactDirectory | None) -> Answer:
    """One answer. Raises ContentError with all that is wrong with it.

    Without a directory the contacts it names are not looked up.
    Being past its review is not wrong here: such an answer is withheld, and the check reports it.
    """
    document, body = read_front_matter(path)
    head = document.convert(Head)
    sections, problems = read_sections(path, body)
    problems += head_problems(document, head, path.stem, topic=head.id)
    if head.id not in taxonomy().topics:
        problems.append(document.problem(f"{head.id!r} is no topic", "id"))
    if directory is not None:
        problems += contact_problems(document, head, directory)
    if head.as_of is not None and not any(head.as_of in s.words for s in sections.values()):
        problems.append(document.problem(f"no text says {head.as_of}", "as_of"))
    if problems:
        raise ContentError(problems)
    return Answer(head, sections)
