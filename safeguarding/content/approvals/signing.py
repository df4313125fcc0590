"""What decisions on content amount to: the status of each item, and which texts are signed."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from safeguarding.clock import LONDON
from safeguarding.content.items import Item
from safeguarding.content.kinds import KINDS, Kinds

SOON = timedelta(days=90)
HALF_A_YEAR = timedelta(days=182)
"""How long a signature holds on words that name no review date of their own."""


class ApprovalDecision(Enum):
    """What a person makes of the words they have read."""

    APPROVED = "approved"
    SENT_BACK = "sent_back"


class ApprovalStatus(Enum):
    """Where an item stands."""

    SENT_BACK = "sent_back"
    CHANGED = "changed"
    NEVER = "never"
    WAITING = "waiting"
    PAST_REVIEW = "past_review"
    REVIEW_DUE = "review_due"
    APPROVED = "approved"


@dataclass(frozen=True)
class Decided:
    """One decision: who, in which role, on exactly which words, when and why."""

    content_id: str
    digest: str
    decision: ApprovalDecision
    by: str
    """Id of the account; `name` and `role` are as they were then."""
    name: str
    role: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Standing:
    """Where one item stands, and what led there."""

    item: Item
    status: ApprovalStatus
    decisions: tuple[Decided, ...]
    """On whatever words of this item, oldest first."""
    signatures: tuple[Decided, ...]
    """The approvals that count for the words of today, one a person."""
    review_due: date | None
    people_needed: int
    """How many different people must sign the same words."""

    @property
    def signed(self) -> bool:
        """Whether enough people have signed the words of today."""
        return len(self.signatures) >= self.people_needed

    @property
    def last_signed(self) -> Decided | None:
        """The latest approval of other words than today's, of an item that has changed."""
        others = (d for d in reversed(self.decisions) if d.digest != self.item.digest)
        return next((d for d in others if d.decision is ApprovalDecision.APPROVED), None)

    def may_approve(self, staff_id: str) -> bool:
        """Whether an approval by this person would add anything."""
        if self.status is ApprovalStatus.WAITING:
            return staff_id not in {signature.by for signature in self.signatures}
        due = self.status in {ApprovalStatus.REVIEW_DUE, ApprovalStatus.PAST_REVIEW}
        return not self.signed or (due and self.item.review_due is None)


def standing_of(
    item: Item, decisions: Iterable[Decided], today: date, kinds: Kinds = KINDS
) -> Standing:
    """Where `item` stands on a day; `decisions` are those on it, oldest first."""
    given = tuple(decisions)
    signatures = counting(each for each in given if each.digest == item.digest)
    needed = kinds.people_needed(item.id)
    due = item.review_due or _due(signatures, needed)
    if len(signatures) >= needed:
        status = _in_date(due, today)
    else:
        status = _unsigned(item, given, signatures, kinds)
    return Standing(item, status, given, signatures, due, needed)


def counting(decisions: Iterable[Decided]) -> tuple[Decided, ...]:
    """The approvals that count, of decisions on the same words: the latest of each person.

    Words that were sent back start again from nothing.
    """
    signatures: dict[str, Decided] = {}
    for each in decisions:
        if each.decision is ApprovalDecision.SENT_BACK:
            signatures.clear()
        else:
            signatures[each.by] = each
    return tuple(sorted(signatures.values(), key=lambda each: each.at))


def approved_digests(
    decisions: Iterable[Decided], kinds: Kinds = KINDS
) -> frozenset[tuple[str, str]]:
    """The content ids and digests that enough people have signed."""
    by_words: dict[tuple[str, str], list[Decided]] = defaultdict(list)
    for each in decisions:
        by_words[each.content_id, each.digest].append(each)
    return frozenset(
        (content_id, digest)
        for (content_id, digest), given in by_words.items()
        if len(counting(given)) >= kinds.people_needed(content_id)
    )


def _unsigned(
    item: Item, decisions: Sequence[Decided], signatures: Sequence[Decided], kinds: Kinds
) -> ApprovalStatus:
    if signatures:
        return ApprovalStatus.WAITING
    if any(each.digest == item.digest for each in decisions):
        return ApprovalStatus.SENT_BACK
    if item.signed_on_paper is not None or approved_digests(decisions, kinds):
        return ApprovalStatus.CHANGED
    return ApprovalStatus.NEVER


def _in_date(due: date | None, today: date) -> ApprovalStatus:
    if due is not None and today > due:
        return ApprovalStatus.PAST_REVIEW
    return (
        ApprovalStatus.REVIEW_DUE
        if due is not None and due <= today + SOON
        else ApprovalStatus.APPROVED
    )


def _due(signatures: Sequence[Decided], needed: int) -> date | None:
    """Half a year after the words were last signed by as many people as they need."""
    if len(signatures) < needed:
        return None
    return signatures[-needed].at.astimezone(LONDON).date() + HALF_A_YEAR


EVERY_S = 30.0
AFTER_FAILURE_S = 5.0
WAIT_S = 1.0
"""The longest that one answer waits for the database, once in EVERY_S."""

Read = Callable[[], frozenset[tuple[str, str]]]


class ApprovalCache:
    """Asked with a content id and a digest. What was read last holds while nothing can be read."""

    def __init__(
        self,
        read: Read,
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives all signed words; `failed` is told why it could not."""
        self._read = read
        self._failed = failed
        self._clock = clock
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._next = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, content_id: str, digest: str) -> bool:
        """Whether these words are signed, as far as is known. Raises nothing."""
        if self._is_due():
            # A thread of its own: a database that hangs must not hold up an answer.
            reader = threading.Thread(target=self._refresh, daemon=True)
            reader.start()
            reader.join(WAIT_S)
        return (content_id, digest) in self._known

    def _is_due(self) -> bool:
        now = self._clock()
        with self._lock:
            due = now >= self._next
            if due:
                self._next = now + EVERY_S
        return due

    def _refresh(self) -> None:
        try:
            self._known = self._read()
        except Exception as error:  # noqa: BLE001 - whatever it is, people must be answered
            self._next = self._clock() + AFTER_FAILURE_S
            self._failed(error)
