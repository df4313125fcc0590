"""The parts in which an item is read before it is signed, and the time that reading takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from safeguarding.content.items import Block, Item, word_count

PART_WORDS = 500
"""A part holds about this many words: a page that is read in two minutes."""


@dataclass(frozen=True)
class ReadingPace:
    """How fast a person can read with care."""

    words_per_minute: int = 300
    """The fast end of how adults read non-fiction in English: most read 175 to 300 words a minute
    (Brysbaert 2019, doi:10.1016/j.jml.2019.104047). A faster reader has not read each word."""
    words_per_hour: int = 10_000
    """At most this many words an hour for one person: 42 minutes at the average of 238 words."""

    def time_for(self, words: int) -> timedelta:
        """Return the shortest time in which these words can be read."""
        return timedelta(minutes=words / self.words_per_minute)


PACE = ReadingPace()
AVERAGE = ReadingPace(words_per_minute=238)
"""The average reader of the same study, for what people are told about the time they need."""


@dataclass(frozen=True)
class NumberedLine:
    """A line of an item, with its place among all lines of the item."""

    place: int
    """As `lines_of` counts: the title is 0, and each heading is a line."""
    text: str


@dataclass(frozen=True)
class PartBlock:
    """What one part holds of one block."""

    block: Block
    place: int
    """The place of its heading."""
    lines: tuple[NumberedLine, ...]


@dataclass(frozen=True)
class ReadingPart:
    """A stretch of an item that is opened at once."""

    number: int
    """From 1."""
    blocks: tuple[PartBlock, ...]
    words: int


def words_in(item: Item) -> int:
    """Return the number of words that are read before an item is signed."""
    return sum(part.words for part in parts_of(item))


def parts_of(item: Item) -> tuple[ReadingPart, ...]:
    """Return the parts of an item in order, at least one. A line is never divided."""
    parts: list[ReadingPart] = []
    blocks: list[PartBlock] = []
    words = word_count(item.title)
    for placed in _placed(item):
        lines: list[NumberedLine] = []
        words += word_count(placed.block.heading)
        for line in placed.lines:
            more = word_count(line.text)
            if words + more > PART_WORDS and (blocks or lines):
                if lines:
                    blocks.append(PartBlock(placed.block, placed.place, tuple(lines)))
                parts.append(ReadingPart(len(parts) + 1, tuple(blocks), words))
                blocks, lines, words = [], [], 0
            lines.append(line)
            words += more
        blocks.append(PartBlock(placed.block, placed.place, tuple(lines)))
    if blocks or not parts:
        parts.append(ReadingPart(len(parts) + 1, tuple(blocks), words))
    return tuple(parts)


def _placed(item: Item) -> Iterator[PartBlock]:
    """Yield each block with the places of its heading and lines."""
    place = 1
    for block in item.blocks:
        numbered = enumerate(block.lines, place + 1)
        yield PartBlock(block, place, tuple(NumberedLine(*each) for each in numbered))
        place += 1 + len(block.lines)
