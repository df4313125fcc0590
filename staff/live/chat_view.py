"""A live chat as its page shows it: its state in words, its lines, and what the reader can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from safeguarding.live_chat import LiveChatEnd, LiveChatState
from safeguarding.taxonomy import Severity
from staff.accounts.accounts import Staff
from staff.accounts.permissions import Permission
from staff.cases.case import WHISPER, CaseEvent
from staff.cases.conversation import displayable
from staff.console import wording
from staff.live.phrases import StaffChatPhrases
from staff.live.room import EVENT, LANTERN, PERSON, STAFF, LiveLine, StaffChat

_EVENTS = {
    CaseEvent.LIVE_ASKED.value: "event_asked",
    CaseEvent.LIVE_OFFERED.value: "event_offered",
    CaseEvent.LIVE_JOINED.value: "event_joined",
    CaseEvent.LIVE_TRANSFER_OFFERED.value: "event_transfer_offered",
    CaseEvent.LIVE_TRANSFER_ENDED.value: "event_transfer_ended",
    CaseEvent.LIVE_TRANSFERRED.value: "event_transferred",
    CaseEvent.LIVE_TAKEN_OVER.value: "event_taken_over",
    CaseEvent.LIVE_BLOCKED.value: "event_blocked",
    CaseEvent.LIVE_UNBLOCKED.value: "event_unblocked",
    CaseEvent.LIVE_WRAPPED_UP.value: "event_wrapped_up",
}
"""The phrase of each event; LIVE_ENDED says why."""
_HAS_IT = frozenset(
    {
        CaseEvent.LIVE_JOINED.value,
        CaseEvent.LIVE_TRANSFERRED.value,
        CaseEvent.LIVE_TAKEN_OVER.value,
    }
)


@dataclass(frozen=True)
class LineView:
    """One line of the transcript, ready for the template."""

    id: str
    kind: str
    who: str
    at: datetime
    text: str
    mark: str
    """Whether the young person has seen it; empty where that says nothing."""
    severity: Severity | None
    """None of what the person did not write, or wrote before the first hand-off."""
    categories: str
    folded: bool
    """Whether the words are folded: of Lantern, from before a person was there."""


@dataclass(frozen=True)
class Standing:
    """What a reader may do with a chat as it stands."""

    chat: StaffChat
    reader: Staff

    @property
    def is_mine(self) -> bool:
        """Whether the reader has it, or has offered it to the young person."""
        return self.chat.owner == self.reader.id and self.chat.state is not LiveChatState.ENDED

    @property
    def is_open(self) -> bool:
        """Whether a person talks to the young person."""
        return self.chat.state is LiveChatState.OPEN

    @property
    def is_offered_to_me(self) -> bool:
        """Whether its owner asked the reader to take it."""
        return self.is_open and self.chat.transfer_to == self.reader.id

    @property
    def supervises(self) -> bool:
        """Whether the reader supervises chats."""
        return self.reader.may(Permission.SUPERVISE_CHATS)

    @property
    def may_read(self) -> bool:
        """Whether the reader may have its words before them on this page."""
        owns = self.chat.owner == self.reader.id
        return owns or self.is_offered_to_me or self.supervises

    @property
    def must_wrap_up(self) -> bool:
        """Whether the reader has to write down what came of it."""
        return self.chat.owner == self.reader.id and self.chat.waits_for_wrap_up

    @property
    def may_go_on(self) -> bool:
        """Whether the reader had it and was cut off: the young person can be asked again."""
        cut_off = self.chat.ended_why in {LiveChatEnd.AWAY, LiveChatEnd.SILENT}
        return cut_off and self.chat.owner == self.reader.id

    @property
    def mode(self) -> str:
        """A text that differs when other forms belong on the page."""
        chat = self.chat
        return f"{chat.state.value}.{chat.term}.{chat.owner}.{chat.transfer_to}.{chat.wrapped_at}"


def waits_since(chat: StaffChat) -> datetime | None:
    """Return since when the young person has waited for an answer; None where they do not."""
    if chat.state is not LiveChatState.OPEN or chat.heard_at is None:
        return None
    return chat.heard_at if chat.spoke_at is None or chat.spoke_at < chat.heard_at else None


def state_of(standing: Standing, names: Mapping[str, str], say: StaffChatPhrases) -> str:
    """Return how a chat stands, in a sentence or two."""
    chat, name = standing.chat, names.get(standing.chat.owner or "", "")
    if chat.state is LiveChatState.ENDED:
        return say.state_ended.format(why=say.end(chat.ended_why or LiveChatEnd.LEFT))
    if chat.state is LiveChatState.ASKED:
        return say.state_asked
    if chat.state is LiveChatState.OFFERED:
        mine = standing.is_mine
        return say.state_offered_mine if mine else say.state_offered.format(name=name)
    if standing.is_mine:
        mine_words = say.state_mine.format(name=chat.shown_name, role=chat.shown_role)
        to = names.get(chat.transfer_to or "")
        return f"{mine_words} {say.state_transfer.format(name=to)}" if to else mine_words
    if standing.is_offered_to_me:
        return say.state_transfer_you.format(name=name)
    return say.state_other.format(name=name)


def lines_of(
    lines: Sequence[LiveLine],
    chat: StaffChat,
    reader: str,
    names: Mapping[str, str],
    say: StaffChatPhrases,
) -> list[LineView]:
    """Return the lines of a transcript in their order."""
    return [_line(each, chat, reader, names, say) for each in lines]


def _line(
    line: LiveLine,
    chat: StaffChat,
    reader: str,
    names: Mapping[str, str],
    say: StaffChatPhrases,
) -> LineView:
    name = names.get(line.by or "", "")
    written = say.you if line.by == reader else name
    who, mark = written, ""
    if line.kind == PERSON:
        who = say.person
    elif line.kind == STAFF:
        mark = _mark(line, say)
    elif line.kind == WHISPER:
        who = say.whisper.format(name=written)
    elif line.kind == LANTERN:
        who = say.lantern if chat.opened_at and line.at >= chat.opened_at else say.lantern_said
    return LineView(
        id=line.id,
        kind=line.kind,
        who=who,
        at=line.at,
        text=event_line(line, names, say) if line.kind == EVENT else displayable(line.text),
        mark=mark,
        severity=line.severity,
        categories=", ".join(wording.label(each) for each in line.categories),
        folded=chat.opened_at is None or line.at < chat.opened_at,
    )


def _mark(line: LiveLine, say: StaffChatPhrases) -> str:
    if line.withdrawn:
        return say.withdrawn
    return say.seen.format(when=wording.clock(line.seen_at)) if line.seen_at else say.unseen


def event_line(line: LiveLine, names: Mapping[str, str], say: StaffChatPhrases) -> str:
    """Return what happened in a chat, as a sentence; `names` are those of staff by id."""
    if line.what == CaseEvent.LIVE_ENDED.value:
        return say.event_ended.format(why=say.end(LiveChatEnd(line.why)))
    phrase = str(getattr(say, _EVENTS[line.what])) if line.what in _EVENTS else line.what
    # Who has it now, and not the case worker who took the young person's yes.
    who = line.to if line.what in _HAS_IT else line.by
    return phrase.format(who=names.get(who or "", ""))
