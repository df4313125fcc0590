"""Which open cases are like another one, and how, from what is on record: no model runs here.

The vectors of the encoder are not kept with a case, so likeness is by words and by what was found:
the words themselves, the nearest of our own examples, and the phrases of the lexicon.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.escalation import Escalation
from safeguarding.taxonomy import Severity
from staff.cases.case import Case
from staff.cases.cases import CaseFilter, case_of
from staff.cases.opening import CaseOpener
from staff.cases.tables import cases
from storage.engine import READING
from storage.vault import Vault

MOST_COMPARED = 300
"""Open cases that are looked through, the newest first."""
WITHIN_S = 1.5
"""Seconds after which no further cases are decrypted."""
_BATCH = 50
_NEARLY = 0.6
"""The part of two messages' letter trigrams that both hold, from which their words are alike."""


class Likeness(str, Enum):
    """A way in which two cases are alike, the surest first."""

    SAME_WORDS = "same_words"
    """All that the person of one case wrote, the person of the other wrote too."""
    NEAR_WORDS = "near_words"
    """Their gravest messages differ in a few letters."""
    SAME_EXAMPLE = "same_example"
    """The same of our own labelled sentences is nearest to both."""
    SAME_PHRASES = "same_phrases"
    """The same reviewed phrases were found in both."""


@dataclass(frozen=True)
class CasePrint:
    """What of a case is compared. Lives in memory only."""

    case: Case
    said: frozenset[str]
    """Each text that the person wrote, in plain letters."""
    letters: frozenset[str]
    """The trigrams of the gravest message."""
    example: str | None
    phrases: frozenset[str]

    def ways_like(self, read: CasePrint) -> tuple[Likeness, ...]:
        """Return how this case is like one that was read; empty where it is not."""
        both = self.letters & read.letters
        near = len(both) >= _NEARLY * len(self.letters | read.letters) if both else False
        ways = {
            Likeness.SAME_WORDS: self.said <= read.said,
            Likeness.NEAR_WORDS: near,
            Likeness.SAME_EXAMPLE: self.example is not None and self.example == read.example,
            Likeness.SAME_PHRASES: bool(self.phrases) and self.phrases == read.phrases,
        }
        return tuple(way for way, is_so in ways.items() if is_so)


@dataclass(frozen=True)
class SimilarCase:
    """An open case that is like another one."""

    case: Case
    ways: tuple[Likeness, ...]


@dataclass(frozen=True)
class SimilarCases:
    """What was found, the surest first."""

    found: tuple[SimilarCase, ...]
    looked_at: int
    """How many open cases were compared."""
    complete: bool
    """Whether those are all that are open and may be closed together."""


class LikenessSearch:
    """Finds open cases that are like another. Thread-safe. Raises SQLAlchemyError, VaultError."""

    def __init__(
        self, engine: Engine, vault: Vault, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._timer = timer

    def like(self, case_id: str, areas: Collection[str] | None) -> SimilarCases:
        """Return the open cases that are like this one; `areas` are those of the reader.

        Immediate cases are never among them.
        """
        with self._reading.connect() as connection:
            own = prints_of(connection, self._vault, [case_id])
            if case_id not in own:
                return SimilarCases((), 0, complete=True)
            ids = _candidates(connection, case_id, areas)
            compared = self._prints(connection, ids[:MOST_COMPARED])
        similar = ((each, each.ways_like(own[case_id])) for each in compared)
        found = [SimilarCase(each.case, ways) for each, ways in similar if ways]
        order = list(Likeness)
        found.sort(key=lambda each: (order.index(each.ways[0]), -len(each.ways), each.case.due_at))
        complete = len(compared) == len(ids)
        return SimilarCases(tuple(found), len(compared), complete=complete)

    def _prints(self, connection: Connection, ids: Sequence[str]) -> list[CasePrint]:
        ends, prints = self._timer() + WITHIN_S, list[CasePrint]()
        for start in range(0, len(ids), _BATCH):
            prints += prints_of(connection, self._vault, ids[start : start + _BATCH]).values()
            if self._timer() > ends:
                break
        return prints


def prints_of(
    connection: Connection, vault: Vault, case_ids: Collection[str]
) -> dict[str, CasePrint]:
    """Return the prints of cases by id. A case whose words cannot be opened is left out."""
    rows = connection.execute(sa.select(cases).where(cases.c.id.in_(case_ids))).mappings()
    known = {row["id"]: case_of(row) for row in rows}
    opener = CaseOpener(connection, vault, known)
    messages: dict[str, list[Escalation]] = {}
    for case_id, message in opener.messages():
        messages.setdefault(case_id, []).append(message)
    return {
        each: _print(case, messages[each])
        for each, case in known.items()
        if each in messages and each not in opener.unreadable
    }


def _candidates(
    connection: Connection, case_id: str, areas: Collection[str] | None
) -> Sequence[str]:
    """Return the ids of other open cases up to urgent, the newest first, one more than compared."""
    which = CaseFilter(areas=areas).conditions()
    others = (cases.c.id != case_id) & (cases.c.severity <= int(Severity.URGENT))
    query = sa.select(cases.c.id).where(*which, others)
    newest = query.order_by(cases.c.newest_at.desc(), cases.c.id).limit(MOST_COMPARED + 1)
    return connection.execute(newest).scalars().all()


def _print(case: Case, messages: Sequence[Escalation]) -> CasePrint:
    gravest = max(messages, key=lambda each: (each.assessment.severity, each.raised_at))
    signals = gravest.assessment.signals
    return CasePrint(
        case=case,
        said=frozenset(map(_plain, _said(messages))),
        letters=_trigrams(_plain(gravest.text)),
        example=next((each.like[0] for each in signals if each.like), None),
        phrases=frozenset(each.source for each in signals if each.kind == "lexicon"),
    )


def _said(messages: Sequence[Escalation]) -> Iterator[str]:
    for message in messages:
        yield from (turn.text for turn in message.turns_before if turn.by == "user")
        yield message.text


def _plain(text: str) -> str:
    """Return a text in small letters without punctuation; one without letters stays as it is."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def _trigrams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 3] for at in range(max(1, len(text) - 2)))
