"""A service as one person is shown it."""

from __future__ import annotations

from datetime import datetime

from safeguarding.clock import LONDON
from tests.content import real_content

NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)


def test_shows_ways_hours_source_and_when_it_was_checked() -> None:
    card = real_content().contacts.card("wiltshire_out_of_hours", NOON.replace(hour=18))

    assert card["ways"] == [
        {"kind": "phone", "label": "Call 0300 456 0100", "href": "tel:03004560100"}
    ]
    assert card["hours"] == "Open now until 9am tomorrow."
    assert card["open_now"] is True
    assert card["source"].startswith("https://www.wiltshire.gov.uk/")
    assert card["checked_on"] == "2026-11-25"


def test_a_closed_service_says_when_it_opens_next_and_an_open_one_does_not() -> None:
    card = real_content().contacts.card

    evening = card("wiltshire_mash", NOON.replace(hour=18))
    # Saturday 26 December 2026 is a bank holiday, and so is the Monday in its place.
    holiday = card("wiltshire_mash", datetime(2026, 12, 25, 12, tzinfo=LONDON))

    assert evening["opens_at"] == "Opens tomorrow 8.45am"
    assert holiday["opens_at"] == "Opens Tuesday 8.45am"
    assert "opens_at" not in card("wiltshire_mash", NOON)
    assert "opens_at" not in card("childline", NOON)


def test_the_note_says_cost_trace_and_name_in_this_order() -> None:
    note = real_content().contacts.card("childline", NOON)["note"]

    assert note.startswith(
        "Free. Often does not show on the phone bill, but phone companies differ. "
        "You do not have to give your name."
    )


def test_says_who_asks_for_a_name() -> None:
    assert "You will be asked who you are." in real_content().contacts.card("ceop", NOON)["note"]


def test_a_service_of_one_nation_says_so_to_whoever_may_live_elsewhere() -> None:
    note = real_content().contacts.card("rape_crisis", NOON)["note"]

    assert "In England and Wales only." in note


def test_a_card_has_no_note_where_there_is_nothing_to_say() -> None:
    assert "note" not in real_content().contacts.card("wiltshire_mash", NOON)
