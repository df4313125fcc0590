"""Whom a person was shown is on the record as it was on the reply."""

from __future__ import annotations

from safeguarding.messages import ContactCard, Message, contacts_in
from tests.records import CHILDLINE, MASH


def card(id_: str, name: str, hours: str, *, open_now: bool | None) -> ContactCard:
    return ContactCard(id=id_, name=name, what="", ways=[], hours=hours, open_now=open_now)


def test_every_contact_of_a_reply_is_noted_once_with_its_words() -> None:
    childline = card("childline", "Childline", CHILDLINE.hours, open_now=True)
    mash = card("wiltshire_mash", "Wiltshire MASH", MASH.hours, open_now=False)
    reply = [
        Message(kind="help_card", text="Help.", contacts=[childline]),
        Message(kind="text", text="More."),
        Message(kind="contacts", text="People.", contacts=[mash, childline]),
    ]

    assert contacts_in(reply) == (CHILDLINE, MASH)


def test_hours_that_nobody_is_sure_of_stay_unsure() -> None:
    unsure = card("papyrus", "Papyrus", "Nights may change.", open_now=None)

    [noted] = contacts_in([Message(kind="contacts", text="", contacts=[unsure])])

    assert noted.open_now is None
