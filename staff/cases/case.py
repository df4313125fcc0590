"""Cases: one conversation that staff answer for, and what they do about it."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import SequenceMatcher
from enum import Enum

from safeguarding.clock import next_working_day
from safeguarding.escalation import Escalation, Outcome
from safeguarding.messages import ShownContact
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.audit.trail import Link
from staff.cases.told import first_to_read
from storage.letterboxes import Letterbox

_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""No vowels, so that a reference spells no word, and no letters that look alike."""
_END_OF_DAY = time(17)


def reference_of(case_id: str, attempt: int = 0) -> str:
    """Return the reference of a case, such as "LN-7K3M-29QF": the same id, the same reference.

    `attempt` counts the earlier references of this id, which belonged to other cases.
    """
    seed = f"{case_id} {attempt}" if attempt else case_id
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    letters = ""
    for _ in range(8):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return f"LN-{letters[:4]}-{letters[4:]}"


def look_by(severity: Severity, raised_at: datetime) -> datetime:
    """Return the time by which a member of staff should look at a case.

    Immediate: 15 minutes; urgent: an hour; otherwise the end of the next working day. `raised_at`
    and the result have a time zone.
    """
    if severity is Severity.IMMEDIATE:
        return raised_at + timedelta(minutes=15)
    if severity is Severity.URGENT:
        return raised_at + timedelta(hours=1)
    return next_working_day(raised_at, _END_OF_DAY)


class CaseStatus(str, Enum):
    """Whether a case still needs work."""

    OPEN = "open"
    CLOSED = "closed"


class CaseEvent(str, Enum):
    """Events of a case. The values are in the audit trail: never rename one."""

    RECORDED = "recorded"
    RAISED = "raised"
    ADDED_TO = "added to"
    JOINED = "joined its case"
    ATTACHED = "attached to its case"
    VIEWED = "viewed"
    REVEALED = "revealed"
    OUTCOME_RECORDED = "outcome recorded"
    CLOSING_PROPOSED = "closing proposed"
    CLOSING_RETURNED = "closing returned"
    REOPENED = "reopened"
    LEARNED = "learned"
    ASSIGNED = "assigned"
    OFFERED = "handed over"
    ACCEPTED = "handover accepted"
    RETURNED = "handover returned"
    NOTED = "note added"
    ACTION_ADDED = "action added"
    ACTION_DONE = "action done"
    ACTION_GIVEN = "action given"
    ACTION_OVERDUE = "told that an action is overdue"
    CORRECTED = "corrected"
    REFERRED = "referral recorded"
    MERGED = "merged"
    SEPARATED = "separated"
    SPLIT = "split off"
    HELD = "legal hold set"
    RELEASED = "legal hold lifted"
    EXPORTED = "exported"
    ALARM_UNDONE = "false alarm undone"
    LINKED = "linked"
    UNLINKED = "unlinked"
    CHILD_DETAIL = "child detail recorded"
    PRINTED = "printed"
    WISH_LEFT = "wish left"
    WISH_WITHDRAWN = "wish withdrawn"
    LETTERBOX_OPENED = "letterbox opened"
    LETTERBOX_CLOSED = "letterbox closed"
    LETTER_CAME = "letter came"
    LETTER_WRITTEN = "letter written"
    LETTER_SETTLED = "letter needs no answer"
    FILE_ATTACHED = "file attached"
    FILE_READ = "file read"
    FILE_REMOVED = "file removed"
    LIVE_ASKED = "asked for a person"
    LIVE_OFFERED = "live chat offered"
    LIVE_JOINED = "live chat joined"
    LIVE_SAID = "message written in a live chat"
    LIVE_WHISPERED = "whispered in a live chat"
    LIVE_TRANSFER_OFFERED = "live chat offered to a colleague"
    LIVE_TRANSFER_ENDED = "live chat not handed over"
    LIVE_TRANSFERRED = "live chat handed over"
    LIVE_TAKEN_OVER = "live chat taken over"
    LIVE_ENDED = "live chat ended"
    LIVE_BLOCKED = "conversation kept from live chats"
    LIVE_UNBLOCKED = "conversation let into live chats again"
    LIVE_WRAPPED_UP = "live chat wrapped up"
    WORDS_SENT = "words sent to the record system"


MESSAGE, WHISPER = "message", "whisper"
"""The kinds of words in a live chat. The values are in the database: never rename one."""
READ_EVENTS = frozenset(
    each.value
    for each in (CaseEvent.VIEWED, CaseEvent.REVEALED, CaseEvent.PRINTED, CaseEvent.FILE_READ)
)
"""Events that change nothing about a case."""
_JUDGEMENTS = frozenset({CaseEvent.CORRECTED.value, CaseEvent.OUTCOME_RECORDED.value})
"""Events by which staff set the severity of a case."""


@dataclass(frozen=True)
class Case:
    """One case as a list shows it, without any of the words in it."""

    id: str
    reference: str
    conversation_id: str
    status: CaseStatus
    severity: Severity
    """The severity that counts: the judgement of staff, else the assessment."""
    assessed_severity: Severity
    staff_severity: Severity | None
    need: str | None
    """One of the taxonomy's needs: that of the most severe message."""
    assessed_subject: str
    staff_subject: str | None
    assessed_categories: tuple[str, ...]
    """The harms that were told in words, the main one first."""
    possible_categories: tuple[str, ...]
    """What else a model finds possible: no words of the person say it."""
    staff_categories: tuple[str, ...] | None
    said_audience: str | None
    """Who writes, as they said or by a button that they pressed."""
    staff_audience: str | None
    area: str | None
    opened_at: datetime
    raised_at: datetime
    """The time of the message that last raised or reopened the case."""
    newest_at: datetime
    due_at: datetime
    """The time by which a member of staff should have looked."""
    handoffs: int
    """Number of its messages that showed risk."""
    assigned_to: str | None
    offered_to: str | None
    """The colleague to whom it was handed over, until they accept."""
    closing_by: str | None
    """The member of staff who proposed to close it, until a second person agrees."""
    closed_at: datetime | None
    legal_hold: bool
    merged_into: str | None
    opening: str | None
    """The id of the message to read first."""
    version: int
    """Grows with every change: a change to an older version is refused."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that count: those of staff, else those that were told, main one first."""
        return self.assessed_categories if self.staff_categories is None else self.staff_categories

    @property
    def subject(self) -> str:
        """Whom it is about: as staff corrected it, else as it was told."""
        return self.staff_subject or self.assessed_subject

    @property
    def audience(self) -> str | None:
        """Who writes: as staff corrected it, else as they said; None where nobody knows."""
        return self.staff_audience or self.said_audience

    def is_overdue(self, now: datetime) -> bool:
        """Return whether it is open and a member of staff should have looked by now."""
        return self.status is CaseStatus.OPEN and now > self.due_at


@dataclass(frozen=True)
class Review:
    """How a member of staff closed a case, and why."""

    at: datetime
    by: str
    """Id of a staff account."""
    outcome: Outcome
    note: str
    severity: Severity | None
    """The severity that staff chose; None where they agree with the assessment."""
    missed: bool = False
    """Whether Lantern missed something: an earlier message, or a harm in this one."""
    second_by: str | None = None
    """Id of the second person who agreed, where one has to."""
    reason: str | None = None
    """Why it was a false alarm, where it was closed with others."""


@dataclass(frozen=True)
class Note:
    """A note by a member of staff."""

    id: str
    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class Action:
    """A task on a case, with the day on which it is due."""

    id: str
    at: datetime
    by: str
    what: str
    due_on: date | None
    done_at: datetime | None
    done_by: str | None
    given_to: str | None = None
    """Id of the colleague whose task it is; None: of whoever does it."""

    def is_overdue(self, today: date) -> bool:
        """Return whether it is open, and its day is over."""
        return self.done_at is None and self.due_on is not None and self.due_on < today


@dataclass(frozen=True)
class ChildDetail:
    """Something that a member of staff recorded about the child."""

    id: str
    at: datetime
    by: str
    kind: str
    """ "age" or "known_pupil"."""
    value: str
    """The age, or who the pupil is to the school; empty where it was taken back."""


@dataclass(frozen=True)
class Referral:
    """A referral of a case to another service; without `made_at`, why there is none yet."""

    to_whom: str
    """One of casework.REFERRED_TO."""
    how: str
    """One of casework.REFERRED_BY."""
    made_at: datetime | None
    reference: str
    """The other service's own reference; may be empty."""
    reason: str
    """The reason why it was not made, or made late; may be empty."""
    id: str = ""
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True)
class CallbackRequest:
    """A way in which a young person would like staff to reach them."""

    at: datetime
    name: str
    """A first name or a nickname."""
    reach: str
    """A safe way and time."""


@dataclass(frozen=True)
class StaffLetter:
    """A letter that a member of staff wrote into the letterbox of a case."""

    id: str
    at: datetime
    by: str
    text: str
    read_at: datetime | None
    """When the person said that they had read it; None until then."""
    opened: bool
    """Whether it was on their screen at all."""
    withdrawn: bool
    """Whether the letterbox closed, or its days were over, before it was read."""


@dataclass(frozen=True)
class LiveWords:
    """What a member of staff wrote in a live chat."""

    id: str
    at: datetime
    by: str
    kind: str
    """MESSAGE to the young person, or WHISPER to the colleague who had the chat."""
    text: str
    chat_id: str
    conversation_id: str
    """The conversation that it belongs to, as its messages name it."""
    seen_at: datetime | None
    """When the young person's browser had shown it; None of a whisper."""
    withdrawn: bool
    """Whether it was not shown, and is not shown any more."""

    @property
    def is_whisper(self) -> bool:
        """Whether the young person never sees it."""
        return self.kind == WHISPER


@dataclass(frozen=True)
class CaseLink:
    """Another case of the same child, which stays a case of its own."""

    id: str
    other: Case
    at: datetime
    by: str
    """Id of the member of staff who linked them."""
    reason: str


@dataclass(frozen=True)
class WholeCase:
    """One case with all its words. Every tuple is in order of time, oldest first."""

    case: Case
    messages: tuple[Escalation, ...]
    """Every message on record. Those of severity none are there for the context."""
    reviews: tuple[Review, ...]
    notes: tuple[Note, ...]
    actions: tuple[Action, ...]
    referrals: tuple[Referral, ...]
    wish: CallbackRequest | None
    history: tuple[Link, ...]
    """Its part of the audit trail."""
    merged: tuple[Case, ...]
    """The cases that were merged into it."""
    letterboxes: tuple[Letterbox, ...] = ()
    """That of its conversation, and those of the cases merged into it."""
    letters: tuple[StaffLetter, ...] = ()
    details: tuple[ChildDetail, ...] = ()
    """What staff recorded about the child; of each kind the last counts."""
    live_words: tuple[LiveWords, ...] = ()
    """What staff wrote in its live chats."""
    links: tuple[CaseLink, ...] = ()
    """The links that its reader may see, where they were read too (staff/cases/links.py)."""

    @property
    def severity_follows(self) -> bool:
        """Whether the severity of the case follows from its messages and its history.

        Messages are sealed with their severity and the trail is chained, so a severity that comes
        from neither was changed in the database. Holds only when the merged cases were read too.
        """
        case, judged = self.case, self.case.staff_severity
        assessed = max(each.assessment.severity for each in self.messages)
        by_staff = judged is None or any(link.event.what in _JUDGEMENTS for link in self.history)
        counts = case.assessed_severity if judged is None else judged
        return by_staff and case.assessed_severity == assessed and case.severity == counts

    @property
    def opening(self) -> Escalation:
        """The message to read first: the one that tells most in words of its own."""
        return first_to_read(self.messages, lambda each: each.text)


@dataclass(frozen=True)
class ChronologyEntry:
    """One text that the person wrote or was shown."""

    by: str
    """ "user" or "assistant"; the id of a member of staff who wrote it in a live chat."""
    text: str
    at: datetime | None = None
    """The time of a message on record, or of words of staff; None for anything else."""
    message_id: str | None = None
    """The message that it is or answers; None of turns before a message."""
    severity: Severity | None = None
    """The assessed severity of a message on record."""
    shown: bool = False
    """Whether the person was shown it in answer to a message on record."""
    contacts: tuple[ShownContact, ...] | None = None
    """The contacts that an answer showed, with its last text; None where they were not recorded."""
    live: str | None = None
    """MESSAGE or WHISPER of what staff wrote in a live chat; None for anything else."""


def exchanges(
    messages: Iterable[Escalation], spoken: Collection[LiveWords] = ()
) -> Iterator[tuple[tuple[Turn, ...], Escalation]]:
    """Yield the messages of a case, given oldest first, each after its turns that are new.

    Old records repeat the turns before with each message, and so does a message that came to the
    record before an earlier one of its conversation. What staff have `spoken` in a live chat is a
    turn of the conversation too: it is left out, because it is on record by itself.
    """
    known: dict[str, list[Turn]] = {}
    on_record: dict[str, Counter[str]] = {}
    of_staff = {each.text for each in spoken if not each.is_whisper}
    for message in messages:
        before = known.setdefault(message.conversation_id, [])
        told = on_record.setdefault(message.conversation_id, Counter())
        turns = message.turns_before
        matcher = SequenceMatcher(None, before, turns, autojunk=False)
        new: list[Turn] = []
        left = told.copy()
        for tag, _, _, start, end in matcher.get_opcodes():
            if tag in {"insert", "replace"}:
                new += turns[start:end]
            else:
                left.subtract(turn.text for turn in turns[start:end] if turn.by == "user")
        yield tuple(_not_on_record(new, left, of_staff)), message
        before += [*new, Turn("user", message.text)]
        told[message.text] += 1
        if message.shown:
            # The gateway keeps an answer as one turn, each of its texts on a line.
            before.append(Turn("assistant", "\n".join(message.shown)))


def _not_on_record(
    turns: Iterable[Turn], on_record: Counter[str], of_staff: Collection[str]
) -> Iterator[Turn]:
    """Yield the turns that are neither words of staff nor messages that came before.

    A message that was sent again stands in another place among the turns of a later one.
    """
    for turn in turns:
        if turn.by != "user":
            if turn.text not in of_staff:
                yield turn
        elif on_record[turn.text] > 0:
            on_record[turn.text] -= 1
        else:
            yield turn


def with_live_words(
    messages: Sequence[Escalation], spoken: Sequence[LiveWords]
) -> Iterator[tuple[tuple[Turn, ...], Escalation | None, tuple[LiveWords, ...]]]:
    """Yield what `exchanges` does, each with the words of staff that were written before it.

    Both are given oldest first. The last has no message where staff wrote after all of them.
    """
    waiting = deque(spoken)
    for turns, message in exchanges(messages, spoken):
        before = []
        while waiting and waiting[0].at < message.raised_at:
            before.append(waiting.popleft())
        yield turns, message, tuple(before)
    if waiting:
        yield (), None, tuple(waiting)


def chronology(
    messages: Sequence[Escalation], spoken: Sequence[LiveWords] = ()
) -> list[ChronologyEntry]:
    """Return every text of a case in order; messages and words of staff are given oldest first."""
    entries: list[ChronologyEntry] = []
    for turns_before, message, words in with_live_words(messages, spoken):
        entries += [ChronologyEntry(w.by, w.text, w.at, live=w.kind) for w in words]
        entries += [ChronologyEntry(turn.by, turn.text) for turn in turns_before]
        if message is None:
            continue
        severity = message.assessment.severity
        entries.append(
            ChronologyEntry("user", message.text, message.raised_at, message.message_id, severity)
        )
        for number, text in enumerate(message.shown, 1):
            contacts = message.contacts if number == len(message.shown) else None
            entries.append(
                ChronologyEntry(
                    "assistant", text, message_id=message.message_id, shown=True, contacts=contacts
                )
            )
    return entries
