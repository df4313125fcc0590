"""A piece (an answer, a story, a tool) as the words that are signed: all that any reader reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from safeguarding.content.head import PieceHead, SourceHead
from safeguarding.content.items import Item, Part
from safeguarding.content.plain_lines import lines
from safeguarding.content.sections import Section
from safeguarding.taxonomy import taxonomy


def piece_item(kind: str, head: PieceHead, sections: Mapping[str, Section]) -> Item:
    """The item of one piece. The same piece gives the same digest in every process."""
    return Item(
        id=f"{kind}:{head.id}",
        title=head.title,
        parts=tuple(_parts(head, sections)),
        reviewed_on=head.reviewed_on,
        review_due=head.review_due,
        signed_on_paper=head.approved_by,
    )


def _parts(head: PieceHead, sections: Mapping[str, Section]) -> Iterator[Part]:
    contacts = {str(reader): ids for reader, ids in head.contacts.items()}
    for audience in taxonomy().audiences:
        if audience in sections:
            yield from _reading(sections[audience], audience)
        if named := contacts.get(audience):
            yield Part("Contacts shown", tuple(named), (audience,))
    yield Part("Offered next", (*head.offered, *(f"ask_{topic}" for topic in head.related)))
    yield Part("Sources", tuple(map(_source, head.sources)))
    yield Part("Dates", tuple(_dates(head)))
    if more := _more(head):
        yield Part("Also in the file", tuple(lines(more)))


def _reading(section: Section, audience: str) -> Iterator[Part]:
    said = tuple(line for line in section.text.split("\n") if line)
    yield Part("What is said", said, (audience,))
    if section.steps:
        yield Part("What you can do", section.steps, (audience,))


def _source(source: SourceHead) -> str:
    published = source.published or "no date"
    read = source.read_on.isoformat()
    return f"{source.title} ({source.publisher}), {published}, read on {read}: {source.url}"


def _dates(head: PieceHead) -> Iterator[str]:
    yield f"Reviewed on {head.reviewed_on.isoformat()}"
    yield f"Review due {head.review_due.isoformat()}"


def _more(head: PieceHead) -> dict[str, object]:
    """What this sort of head says and others do not; what is not said is left out."""
    own = set(head.__struct_fields__) - set(PieceHead.__struct_fields__)
    facts = {name: getattr(head, name) for name in sorted(own)}
    said: dict[str, object] = msgspec.to_builtins({k: v for k, v in facts.items() if v is not None})
    return said
