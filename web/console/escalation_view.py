"""What the page of one escalation shows, put together from the log and the accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from safeguarding.escalations.deadlines import look_by
from safeguarding.escalations.recorded import QueueEntry, RecordedEscalation
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import taxonomy
from web.console import wording
from web.console.addresses import address_of
from web.console.marking import pieces, shown, words_of
from web.console.services import Services


def view_of(console: Services, recorded: RecordedEscalation) -> dict[str, Any]:
    """The context of the template. Asks the database: call it in a thread."""
    entry, escalation = recorded.entry, recorded.escalation
    people = {event.who for event in recorded.history} | {r.by for r in recorded.reviews}
    names = console.accounts.shown_names(people)
    due = look_by(entry.severity, entry.raised_at)
    return {
        "entry": entry,
        "href": address_of(entry.message_id),
        "now": console.now(),
        "due": due,
        "overdue": console.now() > due,
        "writer": _writer(entry),
        "turns": [(turn.by, shown(turn.text)) for turn in escalation.turns_before],
        "pieces": pieces(escalation.text, escalation.assessment.signals),
        "shown_to_person": [shown(text) for text in escalation.shown],
        "categories": [_category(name) for name in entry.categories],
        "signals": [_signal(escalation.text, s) for s in _once(escalation.assessment.signals)],
        "extra": {wording.label(key): value for key, value in escalation.extra.items()},
        "reviews": [(review, names[review.by]) for review in recorded.reviews],
        "history": [(event, wording.who(event.who, names)) for event in recorded.history],
        "others": _others(console, entry),
    }


def _writer(entry: QueueEntry) -> str:
    return "The person" if entry.audience is None else wording.audience(entry.audience)


def _category(name: str) -> tuple[str, str]:
    return wording.label(name), taxonomy().risk_categories.get(name, "")


def _once(signals: Iterable[Signal]) -> list[Signal]:
    """Each source once for the same words, the surest; the most severe first."""
    surest: dict[tuple[str, int, int], Signal] = {}
    for signal in sorted(signals, key=lambda each: each.weight):
        surest[signal.source, signal.start, signal.end] = signal
    return sorted(surest.values(), key=lambda each: (-each.severity, each.start, each.source))


def _signal(text: str, signal: Signal) -> dict[str, Any]:
    return {
        "source": signal.source,
        "kind": wording.SIGNAL_KINDS.get(signal.kind, wording.label(signal.kind)),
        "category": wording.label(signal.category),
        "severity": signal.severity,
        "version": signal.version,
        "words": words_of(text, signal),
        "sureness": round(signal.weight * 100),
    }


def _others(console: Services, entry: QueueEntry) -> list[tuple[QueueEntry, str]]:
    """Other escalations of the same conversation: a pattern is easily missed one by one."""
    found = console.log.in_conversation(entry.conversation_id)
    return [(each, address_of(each.message_id)) for each in found if each != entry]
