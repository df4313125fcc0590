"""What the chat hands over to staff: messages, call-backs, letterboxes and live chats."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias

from safeguarding.live_chat import LiveChatEnd, LiveChatStep
from safeguarding.messages import ShownContact, contacts_as_record, contacts_from_record
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, Turn, upgraded
from safeguarding.taxonomy import Severity

GATEWAY = "gateway"
"""The recorder: only the gateway records."""
ASSISTANT = "assistant"
"""A former recorder, whose name old records and histories hold."""

SENDER = "sender"
"""The name in `Escalation.extra` of the day's fingerprint of where a message came from."""


def gateway_assessment(source: str, severity: Severity) -> Assessment:
    """Return the assessment that the gateway itself makes, with `source` as its reason."""
    signal = Signal(source, "gateway", "1", "distress", severity, start=0, end=0)
    return Assessment(severity, (signal.category,), NO_RISK.subject, (signal,))


LETTERBOX = "letterbox"
"""The name in `Escalation.extra` that marks what a person wrote in the letterbox of their case."""
LETTERBOX_LASTS = timedelta(days=30)
"""How long a letterbox is open."""

NOT_ASSESSED = gateway_assessment("not-assessed", Severity.CONCERN)
"""Stands for the assessment of a message that is not assessed yet. If it never is, staff read the
message as a concern."""


@dataclass(frozen=True)
class Escalation:
    """One message, the turns before it, and what the person was shown.

    One of severity none is only attached to a conversation that was handed over.

    The gateway makes `message_id`, the key, so writing the same message twice is harmless.
    """

    message_id: str
    conversation_id: str
    text: str
    assessment: Assessment
    raised_at: datetime
    """When the message arrived, with a time zone."""
    raised_by: str
    """The first recorder: GATEWAY, or ASSISTANT in old records."""
    turns_before: tuple[Turn, ...] = ()
    shown: tuple[str, ...] = ()
    """The texts shown in reply, in order, one a message. Empty when not yet known."""
    contacts: tuple[ShownContact, ...] | None = None
    """The contacts shown in reply; None when not recorded, as in old records."""
    audience: str | None = None
    area: str | None = None
    age: int | None = None
    """The age in years that the person has given by then, if any."""
    facts: tuple[str, ...] = ()
    """What the person has said by then, as ids of content/facts.yml; empty in old records."""
    extra: dict[str, str] = field(default_factory=dict)
    """Facts about the hand-off, never a person's words, e.g. {"fallback": "rasa-timeout"}."""
    state: dict[str, Any] | None = None
    """The conversation's state before a message that is not assessed yet (ConversationState,
    as_record): with it, the message is assessed as it would have been at once."""

    @property
    def is_assessed(self) -> bool:
        """Whether its assessment is the risk engine's; if not, only a person can say what it is."""
        if "assessed_later" in self.extra:
            return self.extra["assessed_later"] != "failed"
        return "screening" not in self.extra

    @property
    def is_letter(self) -> bool:
        """Whether it was written in the letterbox of its case."""
        return LETTERBOX in self.extra

    @property
    def waits_for_assessment(self) -> bool:
        """Whether nothing is known of it yet: it becomes a case only if its assessment says so."""
        return not self.is_assessed and self.assessment == NOT_ASSESSED

    def assessed(self, found: Assessment) -> Escalation:
        """Return it with the assessment that came later."""
        extra = {**self.extra, "assessed_later": found.severity.label}
        return replace(self, assessment=found, extra=extra, state=None)

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary. It holds the person's words: seal it before storing."""
        state = {"state": self.state} if self.state is not None else {}
        return {
            **{name: value for name, value in vars(self).items() if name != "state"},
            **state,
            "assessment": self.assessment.as_record(),
            "raised_at": self.raised_at.isoformat(),
            "turns_before": [[turn.by, turn.text] for turn in self.turns_before],
            "shown": list(self.shown),
            "contacts": contacts_as_record(self.contacts),
            "facts": list(self.facts),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Escalation:
        """Return the inverse of `as_record`, also of a record without contacts, age and facts.

        What a newer release added is left out. Raises KeyError, TypeError or ValueError.
        """
        known = {each.name for each in fields(cls)}
        return cls(
            **{
                **{name: value for name, value in record.items() if name in known},
                "assessment": Assessment.from_record(record["assessment"]),
                "raised_at": datetime.fromisoformat(record["raised_at"]),
                "turns_before": tuple(Turn(by, text) for by, text in record["turns_before"]),
                "shown": tuple(record["shown"]),
                "contacts": contacts_from_record(record.get("contacts")),
                "facts": tuple(record.get("facts", ())),
            }
        )


def merged(known: Escalation, new: Escalation) -> Escalation:
    """Return `known` with the additional facts of `new`: never less severe, or fewer signals.

    What the gateway recorded as shown replaces an older entry: only it sees the whole reply.
    """
    complete = new.raised_by != ASSISTANT or not known.shown
    replaces = bool(new.shown) and complete
    return replace(
        known,
        assessment=upgraded(known.assessment, new.assessment),
        turns_before=known.turns_before or new.turns_before,
        shown=new.shown if replaces else known.shown,
        contacts=new.contacts if replaces and new.contacts is not None else known.contacts,
        audience=known.audience or new.audience,
        area=known.area or new.area,
        age=known.age or new.age,
        facts=tuple(dict.fromkeys((*known.facts, *new.facts))),
        extra={**new.extra, **known.extra},
    )


class HandoffKind(str, Enum):
    """The kinds of row in the hand-off mailbox. The values are stored: never rename one."""

    MESSAGE = "message"
    CALLBACK = "callback"
    CALLBACK_WITHDRAWN = "callback_withdrawn"
    LETTERBOX_OPENED = "letterbox_opened"
    LETTERBOX_CLOSED = "letterbox_closed"
    LIVE_CHAT = "live_chat"


@dataclass(frozen=True)
class CallbackLeft:
    """A young person's request to be called: by what name, and how to reach them."""

    id: str
    """Made by the gateway: writing the same one twice is harmless."""
    conversation_id: str
    at: datetime
    """With a time zone."""
    name: str
    reach: str

    kind = HandoffKind.CALLBACK


@dataclass(frozen=True)
class CallbackWithdrawn:
    """A young person's wish not to be called any more."""

    id: str
    conversation_id: str
    at: datetime

    kind = HandoffKind.CALLBACK_WITHDRAWN


@dataclass(frozen=True)
class LetterboxOpened:
    """A young person was given a phrase for the letterbox of their case. A later one replaces it.

    It holds neither the phrase nor the answer: see ADR 53.
    """

    id: str
    """Made by the gateway: writing the same one twice is harmless."""
    conversation_id: str
    at: datetime
    """With a time zone."""
    locator: str
    """By which the letterbox is found: a short keyed digest of the phrase."""
    secret: str
    """The slow hash of the phrase and the answer together."""
    question: str
    """The id of the question that the person chose."""

    kind = HandoffKind.LETTERBOX_OPENED


@dataclass(frozen=True)
class LetterboxClosed:
    """A young person's wish to close their letterbox."""

    id: str
    conversation_id: str
    at: datetime

    kind = HandoffKind.LETTERBOX_CLOSED


@dataclass(frozen=True)
class LiveChatChange:
    """A young person asked for a person, accepted one, or a live chat ended on the chat's side."""

    id: str
    """Made by the gateway: writing the same one twice is harmless."""
    conversation_id: str
    """The id under which staff know the conversation: `Conversation.case_id`."""
    at: datetime
    """With a time zone."""
    chat_id: str
    """That of the offer, or a new one for a request."""
    step: LiveChatStep
    address: str
    """The conversation to which staff write: it differs from `conversation_id` where an older case
    was opened in it by its letterbox."""
    why: LiveChatEnd | None = None
    """Only with LiveChatStep.ENDED."""
    term: int = 0
    """The fencing number that the chat knew: an end of an earlier term ends nothing."""

    kind = HandoffKind.LIVE_CHAT


CallbackChange: TypeAlias = CallbackLeft | CallbackWithdrawn
LetterboxChange: TypeAlias = LetterboxOpened | LetterboxClosed
Handoff: TypeAlias = Escalation | CallbackChange | LetterboxChange | LiveChatChange
_MADE_OF: dict[HandoffKind, type[CallbackChange | LetterboxChange]] = {
    each.kind: each for each in (CallbackLeft, CallbackWithdrawn, LetterboxOpened, LetterboxClosed)
}


def handoff_as_record(handoff: Handoff) -> dict[str, Any]:
    """Return a JSON-ready dictionary. It holds the person's words: seal it before storing."""
    if isinstance(handoff, Escalation):
        return handoff.as_record()
    return {**asdict(handoff), "at": handoff.at.isoformat()}


def handoff_from_record(kind: HandoffKind, record: dict[str, Any]) -> Handoff:
    """Return the inverse of `handoff_as_record`. Raises KeyError, TypeError or ValueError."""
    if kind is HandoffKind.MESSAGE:
        return Escalation.from_record(record)
    known = {**record, "at": datetime.fromisoformat(record["at"])}
    if kind is HandoffKind.LIVE_CHAT:
        why = record["why"]
        known |= {"step": LiveChatStep(record["step"]), "why": why and LiveChatEnd(why)}
        return LiveChatChange(**known)
    return _MADE_OF[kind](**known)


class Outcome(str, Enum):
    """The outcome of a case. The values are stored in the database: never rename one."""

    ADVICE_GIVEN = "advice_given"
    CONTACTED_PERSON = "contacted_person"
    REFERRED_SOCIAL_CARE = "referred_social_care"
    REFERRED_POLICE = "referred_police"
    SHARED_WITH_SCHOOL_LEAD = "shared_with_school_lead"
    FALSE_ALARM = "false_alarm"
    NO_ACTION_NEEDED = "no_action_needed"
    OTHER = "other"
