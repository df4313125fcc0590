"""Searches for words in what people wrote, by opening the newest cases a few at a time.

No index of words is kept anywhere. A search ends after a time and says how far back it went.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from safeguarding.escalation import Escalation
from staff.cases.case import Case
from staff.cases.cases import CaseFilter, case_of, opened
from staff.cases.opening import CaseOpener
from staff.cases.tables import (
    SEALED,
    case_actions,
    case_notes,
    cases,
    child_details,
    referrals,
    reviews,
    wishes,
)
from storage.engine import READING
from storage.vault import Vault

WITHIN_S = 3.0
"""Seconds after which a search ends; a batch that has begun is finished."""
BATCH = 40
MOST_FOUND = 50
SHORTEST = 3
"""Letters that the words searched for have at least, together."""
MESSAGES = "messages"
"""The place of a hit that is what the person wrote; the others are names of tables. The reason of
a link is not searched: it speaks of a case that this reader may not see."""
_BY_STAFF = (reviews, case_notes, case_actions, referrals, child_details)


@dataclass(frozen=True)
class SearchHit:
    """A case in which the words were found."""

    case: Case
    places: dict[str, int]
    """How many texts hold the words, by MESSAGES or the name of the table."""


@dataclass(frozen=True)
class SearchResult:
    """What one search found."""

    hits: tuple[SearchHit, ...]
    looked_at: int
    """How many cases were opened."""
    unreadable: int
    """How many of them could not be opened."""
    back_to: datetime | None
    """The newest message of the last case that was opened; None where none was."""
    further: str
    """Where the next search goes on; empty where all was searched."""


class WordSearch:
    """Searches the words of cases. Thread-safe. Raises SQLAlchemyError."""

    def __init__(
        self, engine: Engine, vault: Vault, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """Take an engine of `storage.engine.connect` on a migrated database."""
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._timer = timer

    def search(self, words: str, which: CaseFilter, *, further: str = "") -> SearchResult:
        """Return the cases of `which` in which one text holds all these words, the newest first.

        `which` names the areas of the reader. `further` is that of the search before; one that is
        not known begins anew. Raises ValueError for less than SHORTEST letters.
        """
        terms = terms_of(words)
        if sum(map(len, terms)) < SHORTEST:
            raise ValueError("too short")
        ends, hits = self._timer() + WITHIN_S, list[SearchHit]()
        looked_at = unreadable = 0
        last: Case | None = None
        with self._reading.connect() as connection:
            while True:
                found = _newest(connection, which, _after(last, further))
                opened_texts, failed = _texts(connection, self._vault, found)
                looked_at, unreadable = looked_at + len(found), unreadable + failed
                for case in found:
                    places = Counter(
                        place for place, text in opened_texts[case.id] if _holds(text, terms)
                    )
                    hits += [SearchHit(case, dict(places))] if places else []
                last = found[-1] if found else last
                is_all = len(found) < BATCH
                if is_all or len(hits) >= MOST_FOUND or self._timer() > ends:
                    break
        return SearchResult(
            hits=tuple(hits),
            looked_at=looked_at,
            unreadable=unreadable,
            back_to=None if last is None else last.newest_at,
            further="" if is_all or last is None else f"{last.newest_at.isoformat()}|{last.id}",
        )


def terms_of(words: str) -> list[str]:
    """Return the words of a search in small letters, each once."""
    return list(dict.fromkeys(re.findall(r"\w+", words.casefold())))


def _holds(text: str, terms: Sequence[str]) -> bool:
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    return all(term in plain for term in terms)


def _after(last: Case | None, further: str) -> sa.ColumnElement[bool]:
    """Return the condition of the cases that come after the last one searched."""
    if last is not None:
        at, case_id = last.newest_at, last.id
    else:
        moment, _, case_id = further.partition("|")
        try:
            at = datetime.fromisoformat(moment)
        except ValueError:
            return sa.true()
        if at.tzinfo is None:
            return sa.true()
    same = (cases.c.newest_at == at) & (cases.c.id > case_id)
    return (cases.c.newest_at < at) | same


def _newest(connection: Connection, which: CaseFilter, after: sa.ColumnElement[bool]) -> list[Case]:
    query = sa.select(cases).where(*which.conditions(), after)
    ordered = query.order_by(cases.c.newest_at.desc(), cases.c.id).limit(BATCH)
    return [case_of(row) for row in connection.execute(ordered).mappings()]


def _texts(
    connection: Connection, vault: Vault, found: Sequence[Case]
) -> tuple[Mapping[str, list[tuple[str, str]]], int]:
    """Return place and text of all that was written, by case, and how many cannot be opened.

    What was written in a case that is merged into another belongs to that one.
    """
    head = {each.id: each.id for each in found}
    merged = sa.select(cases.c.id, cases.c.merged_into).where(cases.c.merged_into.in_(head))
    head |= {row.id: row.merged_into for row in connection.execute(merged)}
    texts: dict[str, list[tuple[str, str]]] = {each.id: [] for each in found}
    opener = CaseOpener(connection, vault, head)
    for own, message in opener.messages():
        texts[head[own]] += _said_in(message)
    for table in (wishes, *_BY_STAFF):
        for own, written in opener.rows(table, partial(_written_in, table)):
            texts[head[own]] += written
    return texts, len({head[each] for each in opener.unreadable})


def _said_in(message: Escalation) -> Iterator[tuple[str, str]]:
    """Yield what the person wrote, in the message and before it."""
    yield MESSAGES, message.text
    yield from ((MESSAGES, turn.text) for turn in message.turns_before if turn.by == "user")


def _written_in(table: sa.Table, row: RowMapping, vault: Vault) -> list[tuple[str, str]]:
    """Return place and text of what is sealed in one row. Raises VaultError."""
    key = "case_id" if table is wishes else "id"
    cells = {**row, "id": row[key]}
    texts = (opened(cells, table.name, column, vault) for column in SEALED[table])
    return [(table.name, text) for text in texts if text]
