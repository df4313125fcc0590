"""Sentences about cases in the console: what a case is about, and the lines of its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from safeguarding.escalation import Escalation, Outcome
from safeguarding.live_chat import LiveChatEnd
from safeguarding.taxonomy import ADULTS, PROFESSIONAL, YOUNG_PERSON, Severity
from staff.alerts.outcomes import IN_DIGEST
from staff.alerts.plan import ALERTED
from staff.audit.trail import Event
from staff.cases.case import Case, CaseEvent
from staff.cases.closing import RUNNING
from staff.console import wording
from staff.rota.rota import Shift

NEEDS = {
    "danger_now": "Danger now",
    "suicide": "Wants or plans to die",
    "self_harm": "Self-harm",
    "hurt_by_someone": "Hurt by someone",
    "own_behaviour": "Own behaviour towards others",
    "friend": "A friend in trouble",
    "adult_for_child": "An adult worried about a child",
    "adult_in_crisis": "An adult in crisis",
    "unclear": "Not clear what help is needed",
}

MOST_CATEGORIES = 3
"""Categories that a line names; the page of the case has all."""
_SUBJECT_OF_NEED = {"adult_in_crisis": "self", "friend": "friend"}

WRITERS = {
    "young_person": "A young person",
    "parent": "A parent or carer",
    "professional": "A professional",
}

REFERRED_TO = {
    "social_care": "Children’s social care",
    "police": "The police",
    "school_lead": "A school’s safeguarding lead",
    "health": "Health services",
    "lado": "The local authority designated officer (LADO)",
    "other": "Somebody else",
}

REFERRED_BY = {
    "telephone": "By telephone",
    "form": "By a form",
    "email": "By email",
    "in_person": "In person",
    "other": "In another way",
}

DONE = {
    "assign": "The case has been given to the person you chose.",
    "take": "You have this case now.",
    "handover": "The handover waits for your colleague, who has to accept it.",
    "accept": "The case is yours now.",
    "return": "The case went back.",
    "note": "The note is on record.",
    "action": "It is on the list of what is to do.",
    "finish": "It is marked as done.",
    "handon": "Your colleague has this now. It is among their tasks.",
    "link": "The two cases are linked. Each shows the other.",
    "unlink": "The two cases are not linked any more.",
    "detail": "It is on record, with your name and the time.",
    "correct": "The correction is on record.",
    "refer": "The referral is on record.",
    "outcome": "Your proposal to close is on record. A second person has to agree.",
    "agree": "The case is closed.",
    "disagree": "The case stays open. Your reason is on record.",
    "reopen": "The case is open again.",
    "merge": "The cases are one now.",
    "separate": "The cases are separate again.",
    "split": "The messages have a case of their own now: this one.",
    "hold": "The case is kept from disposal.",
    "release": "The legal hold is lifted.",
    "letter": "Your letter waits in the letterbox.",
    "letter-settled": "The letter does not wait for an answer any more.",
    "letterbox-close": "The letterbox is closed.",
    "attach": "The file is with the case.",
    "file-removed": "The file is gone. Its name and who removed it stay on record.",
    "wrap-up": "What came of the live chat is on record.",
    "live-unblock": "The conversation can have live chats again.",
}
"""The message on the page after each kind of work."""

SELECT_PERSON = "Select a colleague"
ENTER_NOTE = "Enter a note"
ENTER_WHY = "Enter why"
ENTER_ACTION = "Enter what is to be done"
REAL_DATE = "Enter a real date"
REAL_TIME = "Enter a real date and time, not in the future"
SELECT_RECEIVER = "Select to whom"
SELECT_WAY = "Select how"
SELECT_OFFERED = "Select one of those offered"
SELECT_MADE = "Select whether the referral was made"
ENTER_MADE_AT = "Enter when the referral was made"
ENTER_WHY_NOT = "Enter why it was not made, or not yet"
REFERENCE_LENGTH = "The reference must be 200 characters or less"
REAL_AGE = "Enter an age in years, from 1 to 120"
DETAIL_LENGTH = "Enter 200 characters or less"
ENTER_WHY_LINKED = "Enter why you think that both are about the same child"
CANNOT_LINK = "These two cannot be linked: they are linked or merged already, or the same case"
UNKNOWN_REFERENCE = "There is no other case with this reference"
READ_BEFORE_AGREEING = "Show the words and read them, with the reason for closing, before you agree"
CANNOT_MERGE = "These two cannot be merged: one of them is part of another case already"
SELECT_MESSAGES = "Select the messages that belong to another case"
CANNOT_SPLIT = "Leave at least one hand-off here, and move at least one"


def need(name: str | None) -> str:
    """Return what a case is about, in a few words."""
    return NEEDS["unclear"] if name is None else NEEDS.get(name, wording.label(name))


def about(case: Case) -> str:
    """Return who writes about whom: "A young person, about themselves"."""
    writer = WRITERS.get(case.audience or "", "Somebody who has not said who they are")
    if case.need == "adult_in_crisis":
        # An age of 19 and over tells that it is an adult, not whose parent they are.
        writer = "An adult"
    return f"{writer}, about {wording.subject(_subject(case))}"


def about_whom(case: Case) -> str:
    """Return whom a case is about: "About themselves"."""
    return f"About {wording.subject(_subject(case))}"


def _subject(case: Case) -> str:
    """Return the subject of a case, as its need and its audience make it more exact."""
    need, audience, subject = case.need, case.audience, case.subject
    if need in _SUBJECT_OF_NEED:
        return _SUBJECT_OF_NEED[need]
    if audience == YOUNG_PERSON and subject in {"own_child", "other_child"}:
        return "friend"
    if audience == PROFESSIONAL and subject == "own_child":
        # A professional who writes "my lad" means a child in their care.
        return "child"
    if need == "adult_for_child" and subject in {"self", "unknown"}:
        return "child"
    return "child" if audience in ADULTS and subject == "friend" else subject


def said(messages: Sequence[Escalation], means: Mapping[str, str]) -> str:
    """Return the age that a person gave and what they said in passing: "Age 13 · A weapon".

    `messages` are those of a case, oldest first. `means` are the reviewed words for each fact, in
    the order of content/facts.yml; a fact that is not there any more is left out.
    """
    # Of one conversation the age given last counts; a merged case may be of two people.
    ages = {each.conversation_id: each.age for each in messages if each.age is not None}
    known = {fact for each in messages for fact in each.facts}
    given = [f"Age {age}" for age in dict.fromkeys(ages.values())]
    return " · ".join([*given, *(words for fact, words in means.items() if fact in known)])


def unfinished(referral: str | None, tasks: int, live_chat: str | None = None) -> str:
    """Return why a case cannot be closed.

    No referral to this receiver is on record; tasks are open; a live chat runs (closing.RUNNING) or
    its owner has not yet written down what came of it (closing.NOT_WRAPPED_UP).
    """
    missing = []
    if live_chat == RUNNING:
        missing.append("a live chat is running. End it first")
    elif live_chat is not None:
        missing.append("what came of a live chat is not written down. Do that under “Live chats”")
    if referral is not None:
        to = REFERRED_TO[referral]
        missing.append(
            f"no referral to {to[:1].lower() + to[1:]} is on record as made. "
            "Record it under “Record a referral”, or choose another outcome"
        )
    if tasks:
        missing.append(
            f"{wording.counted(tasks, 'task')} under “To do” "
            f"{'is' if tasks == 1 else 'are'} not done. Mark each as done first"
        )
    return f"The case cannot be closed so: {'; and '.join(missing)}"


def off_duty(shift: Shift, names: Mapping[str, str]) -> str:
    """Return that the owner of a task is off duty while a colleague covers for them."""
    owner = names.get(str(shift.cover_for), "The colleague")
    stand_in = names.get(shift.staff_id, "a colleague")
    start, end = wording.moment(shift.starts_at), wording.moment(shift.ends_at)
    return f"{owner} is off duty from {start} to {end}. {stand_in} covers for them."


def contacts_shown(contacts: Sequence[tuple[str, bool | None, str]] | None) -> str:
    """Return a line about the contacts shown: the name of each, whether it was open, its hours.

    None means that they were not recorded.
    """
    if contacts is None:
        return "Contacts shown: not recorded"
    named = ", ".join(map(_contact, contacts))
    return f"Contacts shown: {named or 'none'}"


def _contact(shown: tuple[str, bool | None, str]) -> str:
    name, open_now, hours = shown
    if open_now is None:
        return f"{name} (hours not certain)"
    return f"{name} (open then)" if open_now else f"{name} (closed then: “{hours.rstrip('.')}”)"


def counted(number: int, at_most: int) -> str:
    """Return a number of cases that was counted up to `at_most`."""
    return f"{at_most:,} or more" if number >= at_most else f"{number:,}"


def break_suggested(cases: int) -> str:
    """Return the suggestion to take a break after reading many cases in a day."""
    return (
        f"You have read {wording.counted(cases, 'case')} today. This is hard to read. "
        "If you can, take a few minutes away from the screen, and talk to a colleague."
    )


def history_line(event: Event, names: Mapping[str, str]) -> str:
    """Return what was done, to follow its doer; `names` are those of staff by id."""
    fixed = _FIXED_LINES.get(event.what)
    if fixed is not None:
        return fixed
    line = _LINES.get(event.what)
    return wording.label(event.what) if line is None else line(event, names)


def _raised(event: Event, _names: Mapping[str, str]) -> str:
    before, after = _change_of_severity(event)
    return f"Raised it from {before} to {after}"


def _outcome(event: Event, names: Mapping[str, str]) -> str:
    proposer = names.get(str(event.detail.get("proposed_by")))
    start = f"Agreed with {proposer} to close it" if proposer else "Recorded the outcome"
    return start + _decision(event)


def _proposal(event: Event, _names: Mapping[str, str]) -> str:
    return f"Proposed to close it{_decision(event)}"


def _decision(event: Event) -> str:
    outcome, severity = Outcome(event.detail["outcome"]), event.detail.get("severity")
    return (
        f": {wording.OUTCOMES[outcome]}"
        + (f"; found it {_severity(severity)}" if severity else "")
        + ("; something was missed" if event.detail.get("missed") else "")
    )


def _assigned(event: Event, names: Mapping[str, str]) -> str:
    to = event.detail.get("to")
    if to is None:
        return "Put it back, so that anybody can take it"
    return "Took it" if to == event.who else f"Gave it to {names.get(str(to), 'somebody')}"


def _offered(event: Event, names: Mapping[str, str]) -> str:
    return f"Handed it over to {names.get(str(event.detail.get('to')), 'somebody')}"


def _action(event: Event, names: Mapping[str, str]) -> str:
    due, to = event.detail.get("due_on"), event.detail.get("to")
    return (
        "Added something to do"
        + (f" for {names.get(str(to), 'somebody')}" if to else "")
        + (f" by {wording.day(date.fromisoformat(due))}" if due else "")
    )


def _action_given(event: Event, names: Mapping[str, str]) -> str:
    return f"Gave something to do to {names.get(str(event.detail.get('to')), 'somebody')}"


def _overdue(event: Event, names: Mapping[str, str]) -> str:
    told = [names.get(str(each), "somebody") for each in event.detail.get("told", ())]
    return f"Told {', '.join(told) or 'nobody: no one can be reached'} that a task is overdue"


def _child_detail(event: Event, _names: Mapping[str, str]) -> str:
    what = "the age" if event.detail.get("kind") == "age" else "who the pupil is"
    return f"Recorded {what}" if event.detail.get("known") else f"Took back {what}"


def _transfer_offered(event: Event, names: Mapping[str, str]) -> str:
    return f"Asked {names.get(str(event.detail.get('to')), 'a colleague')} to take the live chat"


def _live_ended(event: Event, _names: Mapping[str, str]) -> str:
    why = _LIVE_ENDS.get(str(event.detail.get("why")))
    return f"Ended the live chat: {why}" if why else "Ended the live chat"


def _corrected(event: Event, _names: Mapping[str, str]) -> str:
    before, after = _change_of_severity(event)
    severity = f"kept it {after}" if before == after else f"changed it from {before} to {after}"
    named = [wording.label(name).lower() for name in event.detail.get("categories") or ()]
    categories = f"; what it is about: {', '.join(named)}" if named else ""
    return f"Corrected it: {severity}{categories}{_corrected_people(event)}"


def _corrected_people(event: Event) -> str:
    """Return whom it is about and who writes, before and after a correction."""
    line = ""
    if "subject_to" in event.detail:
        before, after = (wording.subject(event.detail[f"subject_{end}"]) for end in ("from", "to"))
        line += f"; about {after}, not {before}"
    if "audience_to" in event.detail:
        before, after = (
            wording.audience(event.detail[f"audience_{end}"]).lower() for end in ("from", "to")
        )
        line += f"; written by: {after}, before: {before}"
    return line


def _referred(event: Event, _names: Mapping[str, str]) -> str:
    to = REFERRED_TO.get(str(event.detail.get("to")), "somebody else")
    to, made = to[:1].lower() + to[1:], event.detail.get("made")
    return f"Recorded a referral: {to}" if made else f"Recorded why no referral: {to}"


def _merged(event: Event, _names: Mapping[str, str]) -> str:
    return f"Made {event.detail.get('case')} part of {event.detail.get('into')}"


def _separated(event: Event, _names: Mapping[str, str]) -> str:
    return f"Separated {event.detail.get('case')} again"


def _split(event: Event, _names: Mapping[str, str]) -> str:
    moved = wording.counted(int(event.detail.get("messages", 0)), "message")
    source, new = event.detail.get("from"), event.detail.get("new")
    return f"Moved {moved} from {source} to a case of their own, {new}"


def _alerted(event: Event, _names: Mapping[str, str]) -> str:
    if event.detail.get("beyond_area"):
        area = wording.label(str(event.detail.get("area")))
        return f"Alerted staff of other areas too: nobody who may see {area} could be reached"
    return wording.label(ALERTED)


def _in_digest(event: Event, _names: Mapping[str, str]) -> str:
    others = int(event.detail.get("together", 1)) - 1
    return f"Alerted in one message with {wording.counted(others, 'other hand-off')}"


def _change_of_severity(event: Event) -> tuple[str, str]:
    return _severity(event.detail.get("from")), _severity(event.detail.get("to"))


def _severity(name: object) -> str:
    return wording.SEVERITIES[Severity.named(str(name))].lower()


_LIVE_ENDS = {
    LiveChatEnd.DECLINED.value: "the person said not now",
    LiveChatEnd.STOPPED.value: "the person wanted to stop",
    LiveChatEnd.LEFT.value: "the person left",
    LiveChatEnd.WITHDRAWN.value: "the offer was taken back",
    LiveChatEnd.HANDED_BACK.value: "Lantern goes on",
    LiveChatEnd.FINISHED.value: "with a goodbye",
    LiveChatEnd.ABUSE.value: "because of abuse",
    LiveChatEnd.NOT_ANSWERED.value: "the person did not answer the offer",
    LiveChatEnd.NOBODY_CAME.value: "nobody joined within a minute",
    LiveChatEnd.SILENT.value: "nobody answered for three minutes",
    LiveChatEnd.AWAY.value: "the page of the member of staff was not open",
}
_FIXED_LINES = {
    CaseEvent.RECORDED.value: "Recorded it",
    CaseEvent.ADDED_TO.value: "Added what it knew besides",
    CaseEvent.JOINED.value: "Added a later hand-off of the conversation",
    CaseEvent.ATTACHED.value: "Added a later message without risk",
    CaseEvent.VIEWED.value: "Opened the page",
    CaseEvent.REVEALED.value: "Uncovered the words",
    CaseEvent.EXPORTED.value: "Took a file of it out of Lantern",
    CaseEvent.CLOSING_RETURNED.value: "Did not agree to close it",
    CaseEvent.REOPENED.value: "Opened it again",
    CaseEvent.LEARNED.value: "Retold it in other words, as an example for Lantern to learn from",
    CaseEvent.ACCEPTED.value: "Accepted the handover",
    CaseEvent.RETURNED.value: "Returned the handover",
    CaseEvent.NOTED.value: "Added a note",
    CaseEvent.ALARM_UNDONE.value: "Undid the closing as a false alarm",
    CaseEvent.LINKED.value: "Linked it with another case of the same child",
    CaseEvent.UNLINKED.value: "Ended a link with another case",
    CaseEvent.FILE_ATTACHED.value: "Attached a file",
    CaseEvent.FILE_READ.value: "Saved a file of it",
    CaseEvent.FILE_REMOVED.value: "Removed a file",
    CaseEvent.PRINTED.value: "Made a page of it to print",
    CaseEvent.ACTION_DONE.value: "Did something from the list",
    CaseEvent.HELD.value: "Kept it from disposal: legal hold",
    CaseEvent.RELEASED.value: "Lifted the legal hold",
    CaseEvent.LETTERBOX_OPENED.value: "Opened a letterbox, at the person’s wish",
    CaseEvent.LETTERBOX_CLOSED.value: "Closed the letterbox",
    CaseEvent.LETTER_CAME.value: "Kept a letter that waits for an answer",
    CaseEvent.LETTER_WRITTEN.value: "Wrote a letter into the letterbox",
    CaseEvent.LETTER_SETTLED.value: "Found that a letter needs no answer",
    CaseEvent.LIVE_ASKED.value: "Noted that the person asked for a person to talk to",
    CaseEvent.LIVE_OFFERED.value: "Offered to talk to the person in the chat",
    CaseEvent.LIVE_JOINED.value: "Began to talk to the person in the chat",
    CaseEvent.LIVE_SAID.value: "Wrote to the person in the chat",
    CaseEvent.LIVE_WHISPERED.value: "Told the colleague in the chat something",
    CaseEvent.LIVE_TRANSFER_ENDED.value: "Did not hand the live chat over",
    CaseEvent.LIVE_TAKEN_OVER.value: "Took the live chat over from a colleague",
    CaseEvent.LIVE_TRANSFERRED.value: "Took the live chat that a colleague handed over",
    CaseEvent.LIVE_BLOCKED.value: "Kept the conversation from live chats",
    CaseEvent.LIVE_UNBLOCKED.value: "Let the conversation have live chats again",
    CaseEvent.LIVE_WRAPPED_UP.value: "Wrote down what came of the live chat",
    CaseEvent.WORDS_SENT.value: "Sent the words of a message to the system of records",
    CaseEvent.WISH_LEFT.value: "Kept how the person can be reached",
    CaseEvent.WISH_WITHDRAWN.value: "Deleted how the person can be reached, as they asked",
}
_LINES: dict[str, Callable[[Event, Mapping[str, str]], str]] = {
    CaseEvent.RAISED.value: _raised,
    CaseEvent.OUTCOME_RECORDED.value: _outcome,
    CaseEvent.CLOSING_PROPOSED.value: _proposal,
    CaseEvent.ASSIGNED.value: _assigned,
    CaseEvent.OFFERED.value: _offered,
    CaseEvent.ACTION_ADDED.value: _action,
    CaseEvent.ACTION_GIVEN.value: _action_given,
    CaseEvent.ACTION_OVERDUE.value: _overdue,
    CaseEvent.CHILD_DETAIL.value: _child_detail,
    CaseEvent.CORRECTED.value: _corrected,
    CaseEvent.REFERRED.value: _referred,
    CaseEvent.MERGED.value: _merged,
    CaseEvent.SEPARATED.value: _separated,
    CaseEvent.SPLIT.value: _split,
    CaseEvent.LIVE_TRANSFER_OFFERED.value: _transfer_offered,
    CaseEvent.LIVE_ENDED.value: _live_ended,
    ALERTED: _alerted,
    IN_DIGEST: _in_digest,
}
