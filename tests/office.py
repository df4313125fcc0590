"""An office for tests: two members of staff, and cases with everything that can belong to one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import LiveChatChange, Outcome
from safeguarding.live_chat import LiveChatStep
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.alerts.outbox import alerts
from staff.attachments.attachments import Attachments
from staff.attachments.scanning import VirusScanner
from staff.cases.case import Referral
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.child import ChildDetails, DetailKind
from staff.cases.links import CaseLinks
from staff.cases.merging import CaseMerge
from staff.cases.tables import SEALED, case_actions, case_links, cases
from staff.letterbox.desk import LetterboxDesk
from staff.live.desk import LiveDesk
from staff.live.recording import record_live_chat
from staff.live.wrap_up import WrapUp
from staff.retention.clocks import RetentionClock, RetentionPeriods
from staff.rota.rota import Shift, ShiftKind, add_shifts, rota_shifts
from tests.letterbox_on import open_letterbox
from tests.records import (
    PASSWORD,
    Callbacks,
    Clock,
    EscalationLog,
    accounts_on,
    assessment,
    escalation,
    vault,
)

CLOCKS = RetentionPeriods(
    {RetentionClock.CONCERN: 6, RetentionClock.URGENT: 25, RetentionClock.SEXUAL_ABUSE: 75}
)
BULLYING = Signal("bullied", "lexicon", "v1", "bullying", Severity.CONCERN, 0, 2)


class Office:
    """Staff who work on cases, one lead and one colleague."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.log = EscalationLog(engine, vault(), clock)
        self.work = Casework(engine, vault(), clock)
        self.merging = CaseMerge(engine, vault(), clock)
        self.details = ChildDetails(engine, vault(), clock)
        self.links = CaseLinks(engine, vault(), clock)
        self.wishes = Callbacks(engine, clock)
        self.letterbox = LetterboxDesk(engine, vault(), clock)
        self.files = Attachments(engine, vault(), VirusScanner(None), clock)
        self.live = LiveDesk(engine, vault(), {}, 2, clock)
        accounts = accounts_on(engine, clock)
        self.ann = accounts.add("ann", PASSWORD, "Ann").id
        self.bob = accounts.add("bob", PASSWORD, "Bob").id

    def hand_over(
        self, case_id: str, severity: Severity = Severity.CONCERN, signal: Signal = BULLYING
    ) -> str:
        """Record a case of one message, with everything that can belong to a case."""
        told = escalation(
            f"m-{case_id}",
            conversation_id=case_id,
            assessment=assessment(severity, replace(signal, severity=severity)),
            raised_at=self.clock(),
        )
        self.log.record(told)
        self.wishes.leave(case_id, "Sam", "after school, at the library")
        self.work.note(case_id, "I rang the school", by=self.ann)
        self.work.add_action(case_id, "ring again", None, by=self.ann)
        self.details.record(case_id, DetailKind.AGE, "13", by=self.ann)
        referral = Referral("police", "telephone", self.clock(), "CAD 17", "")
        self.work.refer(case_id, referral, by=self.ann)
        self.files.keep(case_id, "letter.txt", b"A letter from the school.", by=self.ann)
        open_letterbox(self.engine, self.clock(), case_id, locator=case_id)
        self.letterbox.write(case_id, case_id, "we can meet", by=self.ann)
        self.talk(case_id)
        return case_id

    def talk(self, case_id: str) -> str:
        """Have a live chat in its conversation, with one message and what came of it."""
        with self.engine.begin() as connection:
            hour = timedelta(hours=1)
            shift = Shift(self.ann, ShiftKind.ON_DUTY, self.clock() - hour, self.clock() + hour)
            add_shifts(connection, [shift])
        chat_id = self.live.offer(case_id, by=self.ann)
        step = LiveChatStep.ACCEPTED
        yes = LiveChatChange(f"yes {chat_id}", case_id, self.clock(), chat_id, step, case_id)
        with self.engine.begin() as connection:
            record_live_chat(connection, yes, self.clock())
            # Who is on duty is not what these tests are about.
            connection.execute(sa.delete(rota_shifts).where(rota_shifts.c.staff_id == self.ann))
        self.live.finish(chat_id, "take care", by=self.ann, term=1)
        self.live.wrap_up(chat_id, WrapUp("they feel safe"), by=self.ann)
        return chat_id

    def close(self, case_id: str, severity: Severity | None = None) -> str:
        """Do what is left to do and close it, by two where it takes two."""
        with self.engine.connect() as connection:
            tasks = sa.select(case_actions.c.id).where(case_actions.c.case_id == case_id)
            to_do = connection.execute(tasks).scalars().all()
        for each in to_do:
            self.work.finish_action(case_id, each, by=self.ann)
        decision = ClosingDecision(Outcome.ADVICE_GIVEN, "spoken to", severity)
        self.work.close(case_id, decision, by=self.ann)
        with self.engine.connect() as connection:
            mine = sa.select(cases.c.closing_by).where(cases.c.id == case_id)
            waiting = connection.execute(mine).scalar_one()
        if waiting:
            self.work.answer_closing(case_id, agree=True, by=self.bob)
        return case_id

    def closed(self, case_id: str, severity: Severity = Severity.CONCERN) -> str:
        """Record a case and close it."""
        return self.close(self.hand_over(case_id, severity))

    def known(self) -> set[str]:
        """Return the ids of the cases on record."""
        with self.engine.connect() as connection:
            return set(connection.execute(sa.select(cases.c.id)).scalars())

    def rows_of(self, case_id: str) -> dict[str, int]:
        """How many rows of each table belong to a case; a link belongs to two."""
        counts = {}
        with self.engine.connect() as connection:
            for table in (*(each for each in SEALED if each is not case_links), alerts):
                mine = sa.select(sa.func.count()).where(table.c.case_id == case_id)
                counts[table.name] = connection.execute(mine).scalar_one()
        return counts

    def reference(self, case_id: str) -> str:
        """Return the reference that people call it by."""
        with self.engine.connect() as connection:
            mine = sa.select(cases.c.reference).where(cases.c.id == case_id)
            return str(connection.execute(mine).scalar_one())
