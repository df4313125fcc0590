"""Counts what went wrong in the live chats of `make chaos`, and how fast their messages came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median, quantiles
from typing import TypeAlias

from lab.chaos.live_record import LiveRecord, SaidLine, Trouble, Way, end_of_trouble
from safeguarding.live_chat import LEASE, QUIET_END, LiveChatEnd

TIMED = ("late", "late_to_staff")
"""Failures that a busy machine may cause too."""
FAILURES = (
    *("never_shown", "shown_twice", "shown_out_of_order"),
    *("not_on_record", "twice_on_record", "out_of_order_on_record"),
    *("words_of_lantern", "ends_untold", "ends_unexplained", "not_answered_after", "left_open"),
    *("yes_unheard", "danger_without_help", *TIMED),
)
LIVE_COLUMNS = (
    *(("chats", "written", "said", "faults", "sent_again", "ended_by_faults", "streams_held"),),
    *(FAILURES[:6], FAILURES[6:]),
    *(
        tuple(f"{name}_{figure}" for figure in ("measured", "median_s", "p99_s"))
        for name in ("events", "polls", "staff")
    ),
)
"""The columns of the tables on the screen."""
LATE_S = 2.0
"""A message must be seen within this time, in seconds, or this long after the last fault ended."""
HELP_S = 10.0
"""The same for the help for immediate danger, which may have to be assessed first."""
_CALM_S = 2.0
"""So long after a fault the system does not count as calm yet."""
_BY_FAULT = frozenset(
    end.value
    for end in (
        *(LiveChatEnd.AWAY, LiveChatEnd.SILENT),
        *(LiveChatEnd.NOT_ANSWERED, LiveChatEnd.NOBODY_CAME),
    )
)
"""Ends that no one wanted: only a fault may be the reason."""
_EXPLAINS_FOR_S = max(LEASE, QUIET_END).total_seconds()
Figures: TypeAlias = dict[str, int | float | None]


def counted(records: Sequence[LiveRecord], troubles: Sequence[Trouble]) -> Figures:
    """Return all figures of a run. `troubles` are the faults that all had."""
    figures: Figures = {
        "chats": len(records),
        "written": sum(len(record.accepted()) for record in records),
        "said": sum(len(record.answered()) for record in records),
        "ended_by_faults": sum(record.ended_why in _BY_FAULT for record in records),
    }
    wrong: Counter[str] = Counter(dict.fromkeys(FAILURES, 0))
    for record in records:
        wrong.update(wrongs(record, troubles))
    figures |= wrong
    for name, times in (
        ("events", delivery_s(records, troubles, "events")),
        ("polls", delivery_s(records, troubles, "polls")),
        ("staff", to_staff_s(records, troubles)),
    ):
        figures |= {f"{name}_measured": len(times)}
        figures |= {f"{name}_median_s": round(median(times), 3) if times else None}
        cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times
        figures |= {f"{name}_p99_s": round(cuts[-1], 3) if cuts else None}
    return figures


def wrongs(record: LiveRecord, troubles: Sequence[Trouble]) -> Counter[str]:
    """Count what went wrong in one chat, by the names of FAILURES."""
    shown = [line.text for line in record.shown if line.by == "person"]
    never, twice, disorder = compared(record.accepted(), shown, known=texts(record.written))
    missing, doubled, misplaced = compared(
        record.answered(), record.transcript, known=texts(record.said)
    )
    mine = [*troubles, *record.troubles]
    late = len(late_lines(record, troubles))
    late_to_staff = sum(
        is_late(line, record.read[line.text], mine) for line in lines_in_sight(record)
    )
    return Counter(
        never_shown=never,
        shown_twice=twice,
        shown_out_of_order=disorder,
        not_on_record=missing,
        twice_on_record=doubled,
        out_of_order_on_record=misplaced,
        words_of_lantern=words_of_lantern(record),
        ends_untold=int(_is_untold(record)),
        ends_unexplained=int(_is_unexplained(record, mine)),
        not_answered_after=int(record.answered_after is False),
        left_open=int(record.left_open is not None),
        yes_unheard=int(record.seen_open_at is not None and record.opened_at is None),
        danger_without_help=int(_is_without_help(record, mine)),
        late=late,
        late_to_staff=late_to_staff,
    )


def compared(wanted: Sequence[str], found: Sequence[str], known: set[str]) -> tuple[int, int, int]:
    """Return how many texts are missing, doubled, and out of order among what was found.

    Of `found`, only texts that are `known` count: the other side's stand between them. A known
    text that was not accepted may be there or not, but in its place.
    """
    found = [text for text in found if text in known]
    once = list(dict.fromkeys(found))
    missing = len(set(wanted) - set(once))
    place = {text: number for number, text in enumerate(wanted)}
    places = [place[text] for text in once if text in place]
    disorder = sum(later < before for before, later in pairwise(places))
    return missing, len(found) - len(once), disorder


def texts(lines: Iterable[SaidLine]) -> set[str]:
    """Return the texts of all these lines, accepted or not."""
    return {line.text for line in lines}


def words_of_lantern(record: LiveRecord) -> int:
    """Count what Lantern said by itself while a person had the chat.

    That is from when the table says that it is open, for what is sent from then on, to when the
    table says that it ended, or the young person was told so.
    """
    if record.opened_at is None:
        return 0
    ends = [at for at in (record.ended_at, record.told_at) if at is not None]
    until = min(ends, default=float("inf"))
    return sum(
        line.by == "lantern" and line.asked_at > record.opened_at and line.at < until
        for line in record.shown
    )


def late_lines(record: LiveRecord, troubles: Sequence[Trouble]) -> list[str]:
    """Return the texts of staff that were shown too long after they were written."""
    seen = {line.text: line.at for line in reversed(record.shown) if line.by == "person"}
    mine = [*troubles, *record.troubles]
    return [
        line.text
        for line in record.written
        if line.accepted_at is not None
        and line.text in seen
        and is_late(line, seen[line.text], mine)
    ]


def is_late(line: SaidLine, seen: float, troubles: Iterable[Trouble]) -> bool:
    """Return whether a line was seen too late, when the faults meanwhile are left out."""
    begun = line.accepted_at or line.sent_at
    return seen - end_of_trouble(troubles, begun, seen) > LATE_S


def lines_in_sight(record: LiveRecord) -> list[SaidLine]:
    """Return what the young person said while the page of staff was open, and staff saw there."""
    opened_at = record.opened_at
    return [
        line
        for line in record.said
        if line.accepted_at is not None
        and line.text in record.read
        and opened_at is not None
        and line.sent_at > opened_at
    ]


def delivery_s(records: Iterable[LiveRecord], troubles: Sequence[Trouble], way: Way) -> list[float]:
    """Return how long messages of staff took that came in this way, while no fault was active.

    Counted from when the page of staff sent them.
    """
    found = []
    for record in records:
        sent = {line.text: line.sent_at for line in record.written}
        mine = [*troubles, *record.troubles]
        for line in record.shown:
            begun = sent.get(line.text)
            if line.by == "person" and line.way == way and begun is not None:
                found += [line.at - begun] if _is_calm(mine, begun, line.at) else []
    return found


def to_staff_s(records: Iterable[LiveRecord], troubles: Sequence[Trouble]) -> list[float]:
    """Return how long messages of young people took to the page of staff in calm times."""
    found = []
    for record in records:
        mine = [*troubles, *record.troubles]
        for line in lines_in_sight(record):
            seen = record.read[line.text]
            found += [seen - line.sent_at] if _is_calm(mine, line.sent_at, seen) else []
    return found


def _is_calm(troubles: Iterable[Trouble], begun: float, ended: float) -> bool:
    return end_of_trouble(troubles, begun - _CALM_S, ended) == begun - _CALM_S


def _is_without_help(record: LiveRecord, troubles: Iterable[Trouble]) -> bool:
    """Return whether no help was shown in time after a message about immediate danger."""
    begun = record.danger_at
    if begun is None:
        return False
    helped = min((each.at for each in record.shown if each.by == "danger"), default=float("inf"))
    return helped - end_of_trouble(troubles, begun, min(helped, begun + HELP_S)) > HELP_S


def _is_untold(record: LiveRecord) -> bool:
    """Return whether a chat ended, and the young person was not told so."""
    return record.ended_at is not None and record.opened_at is not None and record.told_at is None


def _is_unexplained(record: LiveRecord, troubles: Iterable[Trouble]) -> bool:
    """Return whether the chat ended as no one wanted, or only for one side, without a fault."""
    if record.told_at is not None and record.ended_at is None:
        return True
    if record.ended_why not in _BY_FAULT or record.ended_at is None:
        return False
    begun = record.ended_at - _EXPLAINS_FOR_S
    return end_of_trouble(troubles, begun, record.ended_at) == begun
