"""The phrases of content/phrases/staff_chats.yml: what the console says about live chats."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from safeguarding.live_chat import LiveChatEnd
from staff.live.chats import WhyNot


class StaffChatPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the console says to staff about live chats."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "asks": ("age",),
        "offered": ("name",),
        "with_other": ("name",),
        "cannot": ("why",),
        "own_chat": ("reference",),
        "own_waits": ("age",),
        "offer_to_you": ("name", "reference"),
        "asks_here": ("age", "reference"),
        "unwrapped": ("reference",),
        "running_for": ("age",),
        "asked_ago": ("age",),
        "last_word": ("age",),
        "answered_ago": ("age",),
        "silence": ("age",),
        "away": ("name",),
        "chat_title": ("reference",),
        "state_offered": ("name",),
        "state_mine": ("name", "role"),
        "state_other": ("name",),
        "state_transfer": ("name",),
        "state_transfer_you": ("name",),
        "state_ended": ("why",),
        "waiting": ("age",),
        "seen": ("when",),
        "whisper": ("name",),
        "assessed": ("severity",),
        "box_hint": ("most",),
        "came_grave": ("severity",),
        "too_long": ("most",),
        "stale_other": ("name",),
        "event_offered": ("who",),
        "event_joined": ("who",),
        "event_transfer_offered": ("who",),
        "event_transferred": ("who",),
        "event_taken_over": ("who",),
        "event_wrapped_up": ("who",),
        "event_ended": ("why",),
        "name_hint": ("name",),
        "role_hint": ("role",),
        "name_length": ("most",),
        "role_length": ("most",),
    }

    title: str
    asks: str
    asking: str
    offered: str
    with_you: str
    with_other: str
    writing: str
    answer: str
    join: str
    join_hint: str
    go_to_chat: str
    not_on_duty: str
    full: str
    not_wrapped_up: str
    wrap_up_now: str
    has_left: str
    running: str
    blocked: str
    no_right: str
    cannot: str
    unblock: str
    ready_on: str
    ready_hint: str
    ready_off: str
    be_ready: str
    stop_ready: str
    off_duty: str
    own_chat: str
    own_waits: str
    offer_to_you: str
    accept: str
    decline: str
    asks_here: str
    unwrapped: str
    none_running: str
    mine_title: str
    none_mine: str
    asking_title: str
    unwrapped_title: str
    running_title: str
    running_for: str
    asked_ago: str
    last_word: str
    no_word: str
    answered_ago: str
    silence: str
    no_person: str
    away: str
    open_chat: str
    loads_again: str
    chat_title: str
    state_asked: str
    state_offered_mine: str
    state_offered: str
    state_mine: str
    state_other: str
    state_transfer: str
    state_transfer_you: str
    state_ended: str
    waiting: str
    covered: str
    show_words: str
    not_for_you: str
    to_case: str
    log: str
    person: str
    you: str
    seen: str
    unseen: str
    withdrawn: str
    lantern: str
    lantern_said: str
    whisper: str
    no_risk: str
    assessed: str
    new_below: str
    box: str
    box_hint: str
    canned: str
    canned_none: str
    canned_insert: str
    send: str
    send_wait: str
    draft: str
    note: str
    note_hint: str
    note_keep: str
    note_kept: str
    colleague_off_duty: str
    colleague_full: str
    whisper_box: str
    whisper_hint: str
    whisper_send: str
    whisper_sent: str
    take_over: str
    take_over_hint: str
    transfer: str
    transfer_to: str
    transfer_choose: str
    transfer_none: str
    transfer_hint: str
    transfer_send: str
    transfer_end: str
    withdraw: str
    go_on: str
    hand_back: str
    hand_back_hint: str
    finish: str
    finish_which: str
    finish_send: str
    abuse: str
    abuse_why: str
    abuse_hint: str
    abuse_block: str
    abuse_send: str
    kept: str
    offline: str
    online: str
    unsent: str
    sending: str
    signed_out: str
    sign_in: str
    asleep: str
    confirm: str
    confirm_go: str
    lost: str
    came: str
    came_grave: str
    accepted: str
    enter_words: str
    too_long: str
    select_colleague: str
    select_closing: str
    enter_reason: str
    stale_you: str
    stale_other: str
    stale_ended: str
    wrap_title: str
    wrap_lead: str
    agreed: str
    agreed_hint: str
    next_step: str
    next_hint: str
    given_to: str
    nobody: str
    me: str
    due_on: str
    wrap_send: str
    enter_agreed: str
    enter_next: str
    select_person: str
    event_asked: str
    event_offered: str
    event_joined: str
    event_transfer_offered: str
    event_transfer_ended: str
    event_transferred: str
    event_taken_over: str
    event_blocked: str
    event_unblocked: str
    event_wrapped_up: str
    event_ended: str
    end_declined: str
    end_stopped: str
    end_left: str
    end_withdrawn: str
    end_handed_back: str
    end_finished: str
    end_abuse: str
    end_not_answered: str
    end_nobody_came: str
    end_silent: str
    end_away: str
    name_title: str
    name_lead: str
    name: str
    name_hint: str
    role: str
    role_hint: str
    preview: str
    name_save: str
    name_saved: str
    name_length: str
    role_length: str

    def end(self, why: LiveChatEnd) -> str:
        """Return why a chat ended, to follow "ended:"."""
        return str(getattr(self, f"end_{why.value}"))

    def reason(self, why: WhyNot) -> str:
        """Return why a person cannot chat."""
        return str(getattr(self, why.value))

    def colleague_cannot(self, why: WhyNot) -> str:
        """Return why a chat cannot be handed to a colleague."""
        off_duty = why in {WhyNot.NOT_ON_DUTY, WhyNot.NO_RIGHT}
        return self.colleague_off_duty if off_duty else self.colleague_full

    def done(self, work: str) -> str:
        """Return what the page says after a form was sent; empty for most."""
        return {"note": self.note_kept, "whisper": self.whisper_sent}.get(work, "")
