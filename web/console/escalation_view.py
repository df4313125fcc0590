"""What the page of one escalation shows, put together from the log and the accounts."""

from __future__ import annotations

from typing import Any

from safeguarding.escalations.deadlines import look_by
from safeguarding.escalations.recorded import QueueEntry, RecordedEscalation
from safeguarding.taxonomy import taxonomy
from web.console import wording
from web.console.addresses import address_of
from web.console.marking import pieces, shown
from web.console.services import Services
from web.console.signal_view import signals_of


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
        "signals": signals_of(escalation.text, escalation.assessment.signals),
        "extra": {wording.label(key): value for key, value in escalation.extra.items()},
        "reviews": [(review, names[review.by]) for review in recorded.reviews],
        "history": [(event, wording.who(event.who, names)) for event in recorded.history],
        "others": _others(console, entry),
    }


def _writer(entry: QueueEntry) -> str:
    return "The person" if entry.audience is None else wording.audience(entry.audience)


def _category(name: str) -> tuple[str, str]:
    return wording.label(name), taxonomy().risk_categories.get(name, "")


def _others(console: Services, entry: QueueEntry) -> list[tuple[QueueEntry, str]]:
    """Other escalations of the same conversation: a pattern is easily missed one by one."""
    found = console.log.in_conversation(entry.conversation_id)
    return [(each, address_of(each.message_id)) for each in found if each != entry]
