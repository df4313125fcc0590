"""A morning in the queue: sixty cases of our own making, with what is right about each.

`python -m tests.mornings.morning` records them in the database of the settings, for a console that
is to be looked at; `--by-engine` has the models assess every message, as the gateway does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import click
import msgspec
from sqlalchemy.engine import Engine

from safeguarding.clock import utc_now
from safeguarding.content.facts import Facts, read_facts
from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import CallbackLeft, Escalation
from safeguarding.records import read_yaml
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.risk.text.normalise import Canonical
from safeguarding.screening.task import ScreeningTask
from safeguarding.settings import Settings
from safeguarding.speaker import age_said, audience_said, subject_said
from safeguarding.taxonomy import CONTENT, Severity
from staff.cases.recording import ESCALATE_FROM, record_callback, record_message
from storage.engine import connect
from storage.vault import Vault

CASES = Path(__file__).parent / "cases.yml"
REPLY = "Thank you for telling me. You don't have to sort this out on your own."
"""What stands for Lantern's answer to each message."""
AREAS = ("wiltshire", "kent", "swindon", None)
EVERY_SEVENTH = 7
"""So many cases have one that left a call-back."""


class MorningCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation of cases.yml."""

    id: str
    kind: str
    severity: str
    read_first: int
    """The number of the message that staff should read first, from 1."""
    about: str
    main: list[str]
    may: list[str]
    turns: list[str]
    writer: str | None = None

    def message_id(self, number: int) -> str:
        """Return the id of a message by its number, from 1."""
        return f"{self.id}-{number}"


Assess = Callable[[ScreeningTask, MorningCase], Assessment]
"""Assesses a message of a conversation."""


@dataclass(frozen=True)
class Morning:
    """When the messages of the cases came: through the night, the last one just now."""

    now: datetime

    def at(self, case_number: int, turn: int, cases: int) -> datetime:
        """Return when a message came."""
        night = timedelta(minutes=13) * (cases - 1 - case_number)
        return self.now - night - timedelta(minutes=4) + timedelta(seconds=40) * turn


def morning_cases() -> list[MorningCase]:
    """Return the conversations of cases.yml."""
    return read_yaml(CASES).convert(list[MorningCase])


@cache
def canonical(text: str) -> str:
    """Return the words of a text as the risk engine spells them; needs no model."""
    return " ".join(_normaliser()(text).words)


def as_labelled(task: ScreeningTask, case: MorningCase) -> Assessment:
    """Assess a message by the labels of its case, without a model.

    The message to read first has a signal on its words; a later one is as severe with its context
    alone.
    """
    number, severity = len([each for each in task.before if each.by == "user"]) + 1, case.severity
    if number < case.read_first:
        return NO_RISK
    end = len(task.text) if number == case.read_first else 0
    kind = "lexicon" if end else "conversation"
    signal = Signal("labelled", kind, "1", case.main[0], Severity.named(severity), 0, end)
    return Assessment(signal.severity, (case.main[0],), case.about, (signal,))


def escalations(
    case: MorningCase, assess: Assess, at: Callable[[int], datetime], area: str | None = None
) -> Iterator[Escalation]:
    """Yield what the gateway hands over of a conversation, in order."""
    state = ConversationState(area=area)
    before: list[Turn] = []
    for number, text in enumerate(case.turns, 1):
        said = audience_said(text)
        state = state.spoken_by(said, subject_said(text))
        state = replace(state, age=age_said(text) or state.age)
        found = assess(ScreeningTask(text, tuple(before), state, is_answered=False), case)
        state = state.after(found)
        state = state.with_facts(_facts().said_by_writer(text, canonical(text)), found)
        if state.severity >= ESCALATE_FROM:
            yield Escalation(
                message_id=case.message_id(number),
                conversation_id=case.id,
                text=text,
                assessment=found,
                raised_at=at(number),
                raised_by="gateway",
                turns_before=tuple(before),
                shown=(REPLY,),
                audience=state.said_audience,
                area=area,
                age=state.age,
                facts=state.facts,
            )
        before += [Turn("user", text), Turn("assistant", REPLY)]


def record(
    engine: Engine, ring: Vault, assess: Assess = as_labelled, now: datetime | None = None
) -> Sequence[MorningCase]:
    """Record the morning in a migrated database, and return its cases."""
    clock, cases = Morning(now or utc_now()), morning_cases()
    for index, case in enumerate(cases):
        area = AREAS[index % len(AREAS)]

        def at(number: int, index: int = index) -> datetime:
            return clock.at(index, number, len(cases))

        handed_over = list(escalations(case, assess, at, area))
        for escalation in handed_over:
            with engine.begin() as connection:
                record_message(connection, ring, escalation, escalation.raised_at)
        if handed_over and index % EVERY_SEVENTH == 0:
            left = CallbackLeft(f"{case.id}-call", case.id, at(9), "Sam", "after school")
            with engine.begin() as connection:
                record_callback(connection, ring, left, left.at)
    return cases


def by_engine() -> Assess:
    """Return the assessment of the models, as the gateway's screening process makes it."""
    from safeguarding.content.reader import read_content  # noqa: PLC0415 - takes seconds
    from safeguarding.screening.screener import build_screener  # noqa: PLC0415 - loads the models

    screener = build_screener(read_content(), None)
    return lambda task, _case: screener.screen(task).assessment


@cache
def _facts() -> Facts:
    return read_facts(CONTENT / "facts.yml")


@cache
def _normaliser() -> Callable[[str], Canonical]:
    return read_lexicon().normaliser


@click.command()
@click.option("--by-engine", "with_models", is_flag=True, help="Assess with the models.")
def main(*, with_models: bool) -> None:
    """Record a morning of sixty cases in the database of the settings."""
    settings = Settings.from_env()
    engine = connect(settings.database_url)
    assess = by_engine() if with_models else as_labelled
    click.echo(f"{len(record(engine, Vault.of(settings), assess))} cases recorded.")
    engine.dispose()


if __name__ == "__main__":
    main()
