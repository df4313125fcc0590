"""Escalations, logs and accounts for tests: the real things, on a database of the test's own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.escalation import CallbackLeft, CallbackWithdrawn, Escalation, Handoff
from safeguarding.messages import ShownContact
from safeguarding.risk.assessment import Assessment, Signal, Turn
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import StaffAccounts
from staff.cases.case import CallbackRequest
from staff.cases.cases import Cases
from staff.cases.recording import record_callback, record_message
from staff.cases.worker import CaseWorker
from storage.handoffs import HandoffMailbox
from storage.vault import Vault, key_ring

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=timezone.utc)
PASSWORD = "seven quiet green lamps"
WORDS = "he said dont tell ur mum"
KEYS = "k1:" + "QUFB" * 10 + "QUE="
GIFTS = Signal("grooming-gifts", "lexicon", "v1", "grooming", Severity.CONCERN, 0, 0)
SECRECY = Signal("grooming-dont-tell", "lexicon", "v1", "grooming", Severity.CONCERN, 8, 24)
CHILDLINE = ShownContact("childline", "Childline", True, "Open day and night, every day.")
MASH = ShownContact("wiltshire_mash", "Wiltshire MASH", False, "Closed now. Opens Monday 9am.")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """Let time pass: `clock.move(minutes=5)`."""
        self.at += timedelta(**by)


def assessment(severity: Severity = Severity.CONCERN, *signals: Signal) -> Assessment:
    """Return an assessment of `severity` with these signals, else one on the words."""
    found = signals or (SECRECY,)
    return Assessment(severity, tuple(dict.fromkeys(s.category for s in found)), "self", found)


def escalation(message_id: str = "m1", **changes: Any) -> Escalation:
    """Return an escalation of a young person's message; `changes` replace its fields."""
    usual = Escalation(
        message_id=message_id,
        conversation_id="c1",
        text=WORDS,
        assessment=assessment(),
        raised_at=NOON,
        raised_by="gateway",
        turns_before=(Turn("user", "hi"), Turn("assistant", "Hello.")),
        shown=("You did the right thing.",),
        audience="young_person",
        area="wiltshire",
    )
    return replace(usual, **changes)


def vault() -> Vault:
    """Return a vault with a fixed key."""
    return Vault(key_ring(KEYS))


def sealed_as_v1(text: str, ring: str, *, table: str, row: str, column: str) -> str:
    """Seal an envelope as it was before 0006: its place alone is proved, no facts."""
    key_id, key = next(iter(key_ring(ring).items()))
    place = "|".join(f"{len(part)}:{part}" for part in (table, row, column))
    nonce = bytes(12)
    sealed = AESGCM(key).encrypt(nonce, text.encode("utf-8", "surrogatepass"), place.encode())
    encoded = (base64.urlsafe_b64encode(part).decode() for part in (nonce, sealed))
    return "|".join(("v1", key_id, *encoded))


class EscalationLog:
    """Records messages as the case worker does, each in a transaction of its own."""

    def __init__(self, engine: Engine, ring: Vault, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._ring = ring
        self._now = now

    def record(self, escalation: Escalation) -> bool:
        """Record a message; return whether it was new."""
        with self._engine.begin() as connection:
            return record_message(connection, self._ring, escalation, self._now())


def log_on(engine: Engine, clock: Clock | None = None) -> EscalationLog:
    """Return a log on a migrated database."""
    return EscalationLog(engine, vault(), clock or Clock())


def message_of(cases: Cases, message_id: str) -> Escalation:
    """Return a message on record, with its words."""
    messages = cases.whole(cases.of_message(message_id)).messages
    return next(each for each in messages if each.message_id == message_id)


def accounts_on(engine: Engine, clock: Clock | None = None) -> StaffAccounts:
    """Accounts whose passwords cost little to hash."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return StaffAccounts(engine, clock or Clock(), hasher)


class WorkedMailbox(HandoffMailbox):
    """A hand-off mailbox with a case worker who takes each row as soon as it is there."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        super().__init__(engine, vault())
        self.worker = CaseWorker(engine, vault(), clock or Clock())

    def append(self, handoff: Handoff) -> bool:
        is_new = super().append(handoff)
        self.worker.work_off()
        return is_new


class Callbacks:
    """Call-backs that are left and withdrawn, each on record at once."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or Clock()

    def leave(self, conversation_id: str, name: str, reach: str) -> CallbackRequest:
        """Leave one; what the case then holds."""
        left = CallbackLeft("id", conversation_id, self._clock(), name, reach)
        with self._engine.begin() as connection:
            record_callback(connection, vault(), left, self._clock())
        return CallbackRequest(left.at, name, reach)

    def take_back(self, conversation_id: str) -> bool:
        """Withdraw it; whether there was one."""
        withdrawn = CallbackWithdrawn("id", conversation_id, self._clock())
        with self._engine.begin() as connection:
            return record_callback(connection, vault(), withdrawn, self._clock())
