"""What the pages about escalations show: rows of the list, one escalation, and its signals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from safeguarding.escalations.deadlines import look_by
from safeguarding.escalations.escalation import QueueEntry, RecordedEscalation, Status
from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity, taxonomy
from web.console import wording
from web.console.composition import Services
from web.console.marking import Excerpt, excerpt, line_of, marked, quoted, shown
from web.console.pages import HOME, address_of

_CHAT = "chat-"
_SURE_OF_A_PHRASE = 1.0


@dataclass(frozen=True)
class SignalView:
    """One signal, ready for the template."""

    severity: Severity
    category: str
    says: str
    """What it is, as the beginning of a sentence: "A reviewed phrase"."""
    quote: str
    """What it fired on; empty when that is nothing of its own, or is shown within a line."""
    line: Excerpt | None
    """Of a pasted chat, the line with the sign."""
    weighed: bool
    """Whether a model weighed the message: the quote is then what weighed most."""
    sureness: str
    """ "Fairly sure, 82%"; empty of what is there or is not."""
    nearest: tuple[str, ...]
    """The project's own examples that the message is most like."""
    source: str
    version: str


def queue_row(entry: QueueEntry, now: datetime) -> dict[str, object]:
    """One escalation in the list, with its deadline."""
    due = look_by(entry.severity, entry.raised_at)
    return {
        "entry": entry,
        "href": address_of(entry.message_id),
        "waiting": now - entry.raised_at,
        "due": due,
        "overdue": now > due,
        "now": now,
    }


def pagination(status: Status, page: int, pages: int) -> dict[str, object] | None:
    """Parameters of the pagination component; None when one page holds everything."""
    if pages == 1:
        return None

    def address(number: int) -> str:
        return f"{HOME}?status={status.value}&page={number}"

    near = [n for n in range(1, pages + 1) if n in {1, pages} or abs(n - page) <= 1]
    items: list[dict[str, object]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number > before + 1:
            items.append({"ellipsis": True})
        items.append({"number": number, "href": address(number), "current": number == page})
    params: dict[str, object] = {"items": items}
    if page > 1:
        params["previous"] = {"href": address(page - 1)}
    if page < pages:
        params["next"] = {"href": address(page + 1)}
    return params


def escalation_view(console: Services, recorded: RecordedEscalation) -> dict[str, Any]:
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
        "writer": wording.writer(entry.audience),
        "turns": [(turn.by, shown(turn.text)) for turn in escalation.turns_before],
        "message": marked(escalation.text, escalation.assessment.signals),
        "shown_to_person": [shown(text) for text in escalation.shown],
        "categories": [_category(name) for name in entry.categories],
        "signals": signals_of(escalation.text, escalation.assessment.signals),
        "extra": {wording.label(key): value for key, value in escalation.extra.items()},
        "reviews": [(review, names[review.by]) for review in recorded.reviews],
        "history": [(event, wording.who(event.who, names)) for event in recorded.history],
        "others": _others(console, entry),
    }


def _category(name: str) -> tuple[str, str]:
    return wording.label(name), taxonomy().risk_categories.get(name, "")


def _others(console: Services, entry: QueueEntry) -> list[tuple[QueueEntry, str]]:
    """Other escalations of the same conversation: a pattern is easily missed one by one."""
    found = console.log.in_conversation(entry.conversation_id)
    return [(each, address_of(each.message_id)) for each in found if each != entry]


def signals_of(text: str, signals: Iterable[Signal]) -> list[SignalView]:
    """The signals on the message `text`, each once, the gravest first."""
    return [_view(text, signal) for signal in _once(signals)]


def _once(signals: Iterable[Signal]) -> list[Signal]:
    """Each source once for the same span, the surest and the best explained."""
    best: dict[tuple[str, int, int], Signal] = {}
    for signal in sorted(signals, key=lambda each: (each.weight, len(each.like))):
        best[signal.source, signal.start, signal.end] = signal
    return sorted(best.values(), key=_place)


def _place(signal: Signal) -> tuple[int, bool, int, str]:
    """What is there or is not comes before what a model weighed."""
    return -signal.severity, _is_weighed(signal), signal.start, signal.source


def _is_weighed(signal: Signal) -> bool:
    return signal.weight < _SURE_OF_A_PHRASE or bool(signal.like)


def _view(text: str, signal: Signal) -> SignalView:
    in_chat = signal.kind == "chat"
    weighed = _is_weighed(signal)
    return SignalView(
        severity=signal.severity,
        category=wording.label(signal.category),
        says=_says(text, signal, weighed=weighed),
        quote="" if in_chat else quoted(text, signal),
        line=excerpt(text, signal) if in_chat else None,
        weighed=weighed,
        sureness=wording.sureness(signal.weight) if weighed else "",
        nearest=tuple(shown(sentence) for sentence in signal.like),
        source=signal.source,
        version=signal.version,
    )


def _says(text: str, signal: Signal, *, weighed: bool) -> str:
    if signal.kind == "chat":
        return wording.in_chat(signal.source.removeprefix(_CHAT), line_of(text, signal))
    if weighed and signal.kind in wording.WEIGHED_KINDS:
        return wording.weighed(signal.kind, signal.severity, signal.category)
    return wording.SIGNAL_KINDS.get(signal.kind, wording.label(signal.kind))
