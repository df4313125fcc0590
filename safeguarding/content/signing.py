"""Approval of content: the status of each item by the decisions on it, and the signed words."""

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
from safeguarding.content.reader import KINDS, Kinds

SOON = timedelta(days=90)
HALF_A_YEAR = timedelta(days=182)
"""How long a signature holds on words without a review date of their own."""
EVERY_S = 30.0
AFTER_FAILURE_S = 5.0
WAIT_S = 1.0
"""The longest time for which one answer waits for the database, once in EVERY_S."""


class ApprovalDecision(Enum):
    """A person's decision on the words they have read."""

    APPROVED = "approved"
    SENT_BACK = "sent_back"


class ApprovalStatus(Enum):
    """The state of an item's approval."""

    SENT_BACK = "sent_back"
    CHANGED = "changed"
    NEVER = "never"
    WAITING = "waiting"
    PAST_REVIEW = "past_review"
    REVIEW_DUE = "review_due"
    APPROVED = "approved"


@dataclass(frozen=True)
class Decided:
    """One decision: by whom, in which role, on exactly which words, when and why."""

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
    """The status of one item, and the decisions that led to it."""

    item: Item
    status: ApprovalStatus
    decisions: tuple[Decided, ...]
    """All decisions on this item, on any words, oldest first."""
    signatures: tuple[Decided, ...]
    """The approvals that count for the present words, one a person."""
    review_due: date | None
    people_needed: int
    """How many different people must sign the same words."""

    @property
    def signed(self) -> bool:
        """Whether enough people have signed the present words."""
        return len(self.signatures) >= self.people_needed

    def signed_before(self, staff_id: str) -> Decided | None:
        """Return this person's latest approval of other words, or else that of anyone."""
        others = [d for d in self.decisions if d.digest != self.item.digest]
        given = [d for d in others if d.decision is ApprovalDecision.APPROVED]
        own = [d for d in given if d.by == staff_id]
        return next(iter(reversed(own or given)), None)

    def may_approve(self, staff_id: str) -> bool:
        """Return whether an approval by this person would add anything."""
        if self.status is ApprovalStatus.WAITING:
            return staff_id not in {signature.by for signature in self.signatures}
        due = self.status in {ApprovalStatus.REVIEW_DUE, ApprovalStatus.PAST_REVIEW}
        return not self.signed or (due and self.item.review_due is None)


def standing_of(
    item: Item, decisions: Iterable[Decided], today: date, kinds: Kinds = KINDS
) -> Standing:
    """Return where `item` stands on a day, by the decisions on it, oldest first."""
    decided = tuple(decisions)
    signatures = counting(each for each in decided if each.digest == item.digest)
    needed = kinds.people_needed(item.id)
    due = item.review_due or _due(signatures, needed)
    if len(signatures) >= needed:
        status = _in_date(due, today)
    else:
        status = _unsigned(item, decided, signatures, kinds)
    return Standing(item, status, decided, signatures, due, needed)


def counting(decisions: Iterable[Decided]) -> tuple[Decided, ...]:
    """Return the approvals that count among decisions on the same words: each person's latest.

    Sending words back cancels the approvals before it.
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
    """Return the content ids and digests that enough people have signed."""
    by_words: dict[tuple[str, str], list[Decided]] = defaultdict(list)
    for each in decisions:
        by_words[each.content_id, each.digest].append(each)
    return frozenset(
        (content_id, digest)
        for (content_id, digest), decided in by_words.items()
        if len(counting(decided)) >= kinds.people_needed(content_id)
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
    """Return half a year after the words were last signed by as many people as they need."""
    if len(signatures) < needed:
        return None
    return signatures[-needed].at.astimezone(LONDON).date() + HALF_A_YEAR


class ApprovalCache:
    """The signed words, read from the database every EVERY_S seconds.

    While the database cannot be read, the words read last stay approved.
    """

    def __init__(
        self,
        read: Callable[[], frozenset[tuple[str, str]]],
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take `read`, which returns all signed content ids and digests.

        `failed` is called with the error when `read` fails.
        """
        self._read = read
        self._failed = failed
        self._clock = clock
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._next = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, content_id: str, digest: str) -> bool:
        """Return whether these words are signed, as far as is known. Raises nothing."""
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
