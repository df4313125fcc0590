"""Reviewed words to choose from in a live chat: replies that go into the box, and closings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safeguarding.content.live_replies import LiveReplies, LiveReplyRecord
from staff.live.room import StaffChat


@dataclass(frozen=True)
class CannedReply:
    """A reply as this member of staff says it."""

    id: str
    label: str
    when: str
    """When it fits, for staff."""
    text: str


@dataclass(frozen=True)
class CannedWords:
    """What can be chosen in one chat."""

    groups: Sequence[tuple[str, Sequence[CannedReply]]]
    """Headings with the replies that go into the box."""
    closings: Sequence[CannedReply]
    """Words with which the chat can end."""

    def reply(self, reply_id: str) -> CannedReply | None:
        """Return a reply that goes into the box."""
        found = (each for _, group in self.groups for each in group)
        return next((each for each in found if each.id == reply_id), None)

    def closing(self, reply_id: str) -> CannedReply | None:
        """Return a closing."""
        return next((each for each in self.closings if each.id == reply_id), None)


def canned_words(replies: LiveReplies, chat: StaffChat) -> CannedWords:
    """Return what the one who has this chat can choose, with their name and role filled in."""

    def filled(each: LiveReplyRecord) -> CannedReply:
        text = each.filled(chat.shown_name or "", chat.shown_role or "")
        return CannedReply(each.id, each.label, each.when, text)

    closings = [filled(each) for each in replies.closings]
    groups = [(label, [filled(each) for each in group]) for label, group in replies.groups]
    ids = {each.id for each in closings}
    return CannedWords([each for each in groups if not ids & {r.id for r in each[1]}], closings)


def inserted(draft: str, text: str) -> str:
    """Return what is in the box once a reply was put into it, behind what was typed."""
    return f"{draft.rstrip()}\n\n{text}" if draft.strip() else text
