"""Reviewed content: its words, who has signed them, and the message in which they are shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from safeguarding.messages import Choice, Message, Source
from safeguarding.records import ContentError, YamlDocument, read_yaml

STAFF = "staff"
"""The audience of blocks that only the signers read."""


class SourceRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"published": "date"}
):
    """The publication that a statement is based on."""

    title: str
    publisher: str
    url: str
    published: str | None
    """As the page says it, "2017-02" or "2025"; None when it shows no date."""
    read_on: date


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `provenance` of a YAML file."""

    owner: str
    reviewed_on: date
    review_due: date
    """The last day before the next review."""
    approved_by: str | None


def read_provenance(document: YamlDocument) -> Provenance:
    """Return the provenance of a YAML file. Raises ContentError when it is missing or wrong."""
    if not isinstance(document.data, dict) or "provenance" not in document.data:
        raise ContentError([document.problem("no provenance: whose words are these?")])
    return document.convert(Provenance, "provenance")


def word_count(text: str) -> int:
    """Count the words of a text. A mark that stands alone is none."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


@dataclass(frozen=True)
class Block:
    """Lines that are read together."""

    heading: str
    lines: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    """The audiences that read it; empty for everyone."""


@dataclass(frozen=True)
class Item:
    """One reviewed file: what one signature is given for."""

    id: str
    """Permanent: "answer:consent", "help_card", "risk:grooming"."""
    title: str
    blocks: tuple[Block, ...]
    reviewed_on: date | None = None
    review_due: date | None = None
    """The last day on which its words may be shown without another review; None: it names none."""
    signed_on_paper: str | None = None
    """The signature in the file. It binds no words, so it approves nothing by itself."""
    notices: tuple[str, ...] = ()
    """What signers should know of it beside its words, for example that a part is withdrawn."""

    @property
    def kind(self) -> str:
        """The kind of content, such as "answer" or "risk"."""
        return kind_of(self.id)

    @cached_property
    def words(self) -> str:
        """Everything that a person reads, in the one form that is kept and signed."""
        blocks = [
            [block.heading, list(block.audiences), list(block.lines)] for block in self.blocks
        ]
        record = [self.id, self.title, blocks]
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `words`, in hexadecimal."""
        return hashlib.sha256(self.words.encode("utf-8")).hexdigest()

    def for_reader(self, audience: str) -> tuple[Block, ...]:
        """Return the blocks that this audience reads."""
        return tuple(p for p in self.blocks if audience in p.audiences or not p.audiences)


def kind_of(content_id: str) -> str:
    """Return the kind that a content id begins with."""
    return content_id.partition(":")[0]


def opened(words: str) -> Item:
    """Return the inverse of `Item.words`, without its dates. Raises ValueError for other text."""
    content_id, title, blocks = json.loads(words)
    return Item(
        content_id,
        title,
        tuple(
            Block(heading, tuple(lines), tuple(audiences)) for heading, audiences, lines in blocks
        ),
    )


Approved: TypeAlias = Callable[[str, str], bool]
"""Called with a content id and the digest of its words: whether enough people have signed them."""


def nothing_approved(_content_id: str, _digest: str) -> bool:
    """Return that nothing is signed, where there is no database of signatures."""
    return False


@dataclass(frozen=True)
class Showing:
    """The day on which content is to be shown, and the signatures that count."""

    today: date
    approved: Approved = nothing_approved
    require_approval: bool = False
    """Whether unsigned words are withheld."""

    def signed(self, item: Item) -> bool | None:
        """Return whether an item's words are signed; None when they are withheld.

        Words are withheld past their review, and unsigned where signatures are required.
        """
        if item.review_due is not None and self.today > item.review_due:
            return None
        signed = self.approved(item.id, item.digest)
        return None if self.require_approval and not signed else signed

    def message(
        self,
        item: Item,
        *,
        topic: str,
        title: str,
        text: str,
        sources: Iterable[SourceRecord],
        choices: list[Choice],
        steps: Iterable[str] = (),
    ) -> Message | None:
        """Return words of an item as a message without contacts; None when they are withheld."""
        signed = self.signed(item)
        if signed is None or item.reviewed_on is None or item.review_due is None:
            return None
        return Message(
            kind="answer",
            topic=topic,
            title=title,
            text=text,
            steps=list(steps),
            sources=[
                Source(
                    title=source.title,
                    publisher=source.publisher,
                    url=source.url,
                    date=source.published or "",
                )
                for source in sources
            ],
            reviewed_on=item.reviewed_on.isoformat(),
            review_due=item.review_due.isoformat(),
            approved=signed,
            choices=choices,
        )


# ---- a YAML file as an item: lines that a person can read and compare, nothing left out ----------
def yaml_item(content_id: str, title: str, path: Path) -> Item:
    """Return a YAML file as an item. Raises ContentError when it cannot be read."""
    document = read_yaml(path)
    data = mapping(document)
    provenance = data.get("provenance", {})
    # A signature does not sign itself.
    review = {key: value for key, value in provenance.items() if key != "approved_by"}
    rest = {key: value for key, value in data.items() if key != "provenance"}
    blocks = [*blocks_of(rest), *([Block("Review", tuple(lines(review)))] if review else [])]
    checked, due = _checks(rest)
    return Item(
        id=content_id,
        title=title,
        blocks=tuple(blocks),
        reviewed_on=_date(review, "reviewed_on") or checked,
        review_due=_date(review, "review_due") or due,
        signed_on_paper=str(approved) if (approved := provenance.get("approved_by")) else None,
    )


def responses_item(content_id: str, title: str, path: Path) -> Item:
    """Return the responses of the domain file as an item. Raises ContentError."""
    responses = mapping(read_yaml(path)).get("responses", {})
    blocks = [
        block
        for name, variants in responses.items()
        for variant in variants
        for block in message_blocks(_condition(name, variant), _said(variant))
    ]
    return Item(content_id, title, tuple(blocks))


def read_by_staff(heading: str, value: Any) -> Block:
    """Return a block that is signed with a file and that only staff read."""
    return Block(heading, tuple(lines(value)), (STAFF,))


def blocks_of(data: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the blocks of a document: one a record of its lists, and one for each other key."""
    for key, value in data.items():
        if _are_records(value):
            for number, record in enumerate(value, 1):
                yield from record_blocks(record, f"{label(key)} {number}".capitalize())
        else:
            yield Block(label(key), tuple(lines(value)))


def record_blocks(record: Mapping[str, Any], otherwise: str) -> Iterator[Block]:
    """Yield the blocks of a record, under its name and id, or `otherwise` without them."""
    name, content_id = record.get("name"), record.get("id")
    both = f"{name} ({content_id})" if name and content_id else name or content_id
    rest = {key: value for key, value in record.items() if key not in {"name", "id"}}
    yield from message_blocks(str(both or otherwise), rest, tuple(record.get("for_whom") or ()))


def message_blocks(
    heading: str, message: Mapping[str, Any], audiences: tuple[str, ...] = ()
) -> Iterator[Block]:
    """Yield the blocks of a message: its text, then the rest."""
    rest = {key: value for key, value in message.items() if key != "text"}
    if "text" not in message:
        yield Block(heading, tuple(lines(rest)), audiences)
        return
    yield Block(heading, tuple(lines(str(message["text"]))), audiences)
    if rest:
        yield Block(f"{heading}: with it", tuple(lines(rest)), audiences)


def lines(value: Any, above: str = "") -> Iterator[str]:
    """Yield each value on a line, with the keys above it: "hours, weekly, mon: 09:00"."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from lines(inner, f"{above}, {label(key)}" if above else label(key))
        if not value:
            yield _line(above, "all")
    elif _are_words(value):
        yield _line(above, ", ".join(map(_word, value)))
    elif isinstance(value, list):
        for inner in value:
            yield from _entry(inner, above)
    else:
        said = [line.strip() for line in _word(value).splitlines() if line.strip()]
        yield from (_line(above, line) for line in said or [""])


def label(key: object) -> str:
    """Return a key as words: "near_miss" becomes "near miss"."""
    return str(key).replace("_", " ")


def _entry(value: Any, above: str) -> Iterator[str]:
    """Yield the lines of one entry of a list. Only a pattern keeps its notation."""
    if not isinstance(value, Mapping):
        yield _line(above, _word(value))
    elif "name" in value:
        inner = {key: each for key, each in value.items() if key != "name"}
        yield from lines(inner, f"{above}, {value['name']}")
    elif "label" in value:
        more = ", ".join(_word(each) for key, each in value.items() if key != "label")
        yield _line(above, f"{value['label']} ({more})")
    else:
        yield _line(above, "; ".join(f"{label(k)}: {_word(v)}" for k, v in value.items()))


def _line(above: str, text: str) -> str:
    return f"{above}: {text}" if above else text


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if isinstance(value, date) else str(value)


def _are_records(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(v, dict) for v in value)


def _are_words(value: Any) -> bool:
    """Return whether a value is a list of single words, which is read in one line."""
    return isinstance(value, list) and all(
        not isinstance(each, (Mapping, list)) and " " not in str(each) for each in value
    )


def mapping(document: YamlDocument) -> dict[str, Any]:
    """Return the data of a document. Raises ContentError when it is no mapping."""
    if not isinstance(document.data, dict):
        raise ContentError([document.problem("a mapping is expected here")])
    return document.data


def _date(record: Mapping[str, Any], name: str) -> date | None:
    value = record.get(name)
    return value if isinstance(value, date) else None


def _checks(data: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """Return the earliest check of the services of a file, and the earliest check due."""
    services = data.get("services") or []
    records = services if isinstance(services, list) else []
    checked = [day for record in records if (day := _date(record, "checked_on"))]
    due = [day for record in records if (day := _date(record, "check_due"))]
    return min(checked, default=None), min(due, default=None)


def _said(variant: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a response without its condition, with its custom message merged in."""
    said = {key: value for key, value in variant.items() if key not in {"condition", "custom"}}
    return {**said, **variant.get("custom", {})}


def _condition(name: str, variant: Mapping[str, Any]) -> str:
    slots = [f"{each.get('name')} {each.get('value')}" for each in variant.get("condition", [])]
    return f"{name} ({label(', '.join(slots))})" if slots else name
