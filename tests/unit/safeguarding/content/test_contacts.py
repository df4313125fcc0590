"""Who is sent to whom: nobody without an open route, nobody to a service that is not for them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.clock import LONDON
from safeguarding.content.contacts import MOST
from safeguarding.content.services import digits
from safeguarding.messages import ContactCard
from safeguarding.taxonomy import taxonomy
from tests.content import real_content

NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)  # a Wednesday
NIGHT = datetime(2026, 11, 26, 3, tzinfo=LONDON)
TOPICS = real_content().articles.all()
CHILD, PARENT, PROFESSIONAL = "young_person", "parent", "professional"
MOMENTS = st.integers(min_value=0, max_value=366 * 1440).map(
    lambda minutes: datetime(2026, 11, 25, tzinfo=timezone.utc) + timedelta(minutes=minutes)
)
PEOPLE = st.fixed_dictionaries(
    {
        "audience": st.sampled_from([None, *taxonomy().audiences]),
        "area": st.sampled_from([None, "wiltshire", "swindon", "elsewhere", "wales", "scotland"]),
        "need": st.sampled_from([None, *taxonomy().risk_categories, *TOPICS, "unheard"]),
        "age": st.one_of(st.none(), st.integers(min_value=5, max_value=60)),
        "at": MOMENTS,
    }
)


def for_person(**asked: object) -> list[ContactCard]:
    person = {"audience": None, "area": None, "need": None, "at": NOON, "age": None, **asked}
    return real_content().contacts.for_person(**person)  # type: ignore[arg-type]


def ids(cards: list[ContactCard]) -> list[str]:
    return [card["id"] for card in cards]


def numbers(cards: list[ContactCard]) -> set[str]:
    return {digits(way.get("href", "")) for card in cards for way in card["ways"]} - {""}


@given(PEOPLE)
def test_nobody_is_left_without_an_open_route(person: dict[str, object]) -> None:
    cards = for_person(**person)

    assert ids(cards)[-2:] == ["emergency_999", "childline"]
    assert all(card["open_now"] for card in cards[-2:])
    assert len(set(ids(cards))) == len(cards) <= MOST + 2 + 2


@given(PEOPLE)
def test_open_comes_before_closed(person: dict[str, object]) -> None:
    states = [card["open_now"] for card in for_person(**person)[:-2]]

    assert states == sorted(states, key=[True, None, False].index)


@given(PEOPLE)
def test_nobody_is_sent_to_a_service_that_is_not_for_them(person: dict[str, object]) -> None:
    records = real_content().contacts.records()
    age, audience = person["age"], person["audience"] or CHILD
    for id_ in ids(for_person(**person))[:-2]:
        ages = {**records[id_].for_whom}[audience]  # type: ignore[index]
        assert isinstance(age, int) is False or ages.youngest <= age <= ages.to  # type: ignore[operator]


@given(PEOPLE)
def test_a_child_is_never_sent_to_what_is_for_adults_or_unsure(person: dict[str, object]) -> None:
    person["audience"] = CHILD
    found = set(ids(for_person(**person)))
    age = person["age"]

    assert not found & {"nspcc_helpline", "stop_it_now"} or (isinstance(age, int) and age >= 18)
    assert "nspcc_helpline" not in found
    assert "rape_crisis" not in found or (isinstance(age, int) and age >= 16)
    assert "report_remove" not in found or age is None or (isinstance(age, int) and age < 18)
    assert all(real_content().contacts.records()[id_].confirmed for id_ in found)


@given(PEOPLE)
def test_swindon_is_never_given_wiltshires_number(person: dict[str, object]) -> None:
    person["area"] = "swindon"

    assert not numbers(for_person(**person)) & {"03004560108", "03004560100"}


@given(PEOPLE)
def test_in_wiltshire_one_of_the_councils_teams_is_open(person: dict[str, object]) -> None:
    person |= {"area": "wiltshire", "audience": PARENT}
    council = {"wiltshire_mash", "wiltshire_out_of_hours"}

    assert any(card["open_now"] for card in for_person(**person) if card["id"] in council)


def test_the_best_help_for_the_need_comes_first() -> None:
    assert ids(for_person(audience=CHILD, need="sextortion"))[0] == "report_remove"
    assert ids(for_person(audience=CHILD, need="grooming"))[0] == "ceop"
    assert ids(for_person(audience=CHILD, need="self_harm"))[0] == "shout"
    assert ids(for_person(audience=PARENT, area="wiltshire", need="neglect"))[0] == "wiltshire_mash"
    assert "stop_it_now" in ids(for_person(audience=PARENT, need="worried_about_own_thoughts"))
    assert "nspcc_helpline" in ids(for_person(audience=PARENT, need="child_told_me"))
    assert "missing_people" in ids(for_person(audience=CHILD, need="missing"))


def test_at_night_the_team_on_duty_comes_before_the_closed_office() -> None:
    found = ids(for_person(audience=CHILD, area="wiltshire", need="sexual_abuse", at=NIGHT))

    assert found.index("wiltshire_out_of_hours") < found.index("wiltshire_mash")


def test_a_topic_gets_the_help_of_its_risk_category() -> None:
    assert "ceop" in ids(for_person(audience=CHILD, need="strangers_in_games"))


def test_what_a_service_does_not_take_is_not_sent_to_it() -> None:
    assert "ceop" not in ids(for_person(audience=CHILD, need="cyberbullying"))


def test_a_service_of_another_nation_is_for_those_who_live_there() -> None:
    assert "meic" in ids(for_person(audience=CHILD, area="wales", need="bullying"))
    assert "meic" not in ids(for_person(audience=CHILD, need="bullying"))
    assert "meic" not in ids(for_person(audience=CHILD, area="wiltshire", need="bullying"))


def test_an_adult_sees_the_doubt_of_an_unsure_contact_and_no_hours_it_does_not_have() -> None:
    cards = for_person(audience=PARENT, need="support_for_parents")
    card = next(card for card in cards if card["id"] == "ivison_trust")

    assert card["open_now"] is None
    assert "Not checked by us yet" in card["note"]


def test_childline_speaks_to_an_adult_of_the_child() -> None:
    child, adult = for_person(audience=CHILD)[-1], for_person(audience=PARENT)[-1]

    assert "private" in child["what"]
    assert adult["what"].startswith("For the child")


def test_says_that_a_call_leaves_no_trace_only_where_a_source_says_so() -> None:
    for id_, record in real_content().contacts.records().items():
        note = real_content().contacts.card(id_, NOON).get("note", "")
        assert ("phone bill" in note) is (record.trace is not None)


@pytest.mark.parametrize(
    ("area", "at", "expected"),
    [
        ("wiltshire", NOON, ["wiltshire_mash", "ceop"]),
        ("wiltshire", NIGHT, ["wiltshire_out_of_hours", "ceop"]),
        ("swindon", NOON, ["contact_swindon", "swindon_out_of_hours", "ceop"]),
        ("swindon", NIGHT, ["swindon_out_of_hours", "ceop"]),
        ("elsewhere", NOON, ["find_your_council", "ceop"]),
        ("scotland", NOON, ["ceop"]),
        (None, NOON, ["wiltshire_mash", "ceop"]),
        (None, NIGHT, ["wiltshire_out_of_hours", "ceop"]),
    ],
)
def test_a_named_front_door_becomes_the_open_one_of_the_persons_own_area(
    area: str | None, at: datetime, expected: list[str]
) -> None:
    named = ["wiltshire_mash", "ceop"]
    cards = real_content().contacts.cards(named, audience=PROFESSIONAL, area=area, at=at)

    assert ids(cards) == expected


@pytest.mark.parametrize("at", [NOON, NIGHT])
@pytest.mark.parametrize("area", [*real_content().areas])
def test_a_child_is_led_to_the_council_of_every_area_by_what_was_confirmed(
    area: str, at: datetime
) -> None:
    cards = real_content().contacts.cards(["wiltshire_mash"], audience=CHILD, area=area, at=at)

    assert cards
    assert all(real_content().contacts.records()[id_].confirmed for id_ in ids(cards))
    assert all(area in real_content().contacts.records()[id_].areas for id_ in ids(cards))


def test_where_the_numbers_stand_already_only_those_follow_who_know_about_it_or_are_near() -> None:
    found = ids(for_person(audience=CHILD, area="wiltshire", need="sextortion", knowing=True))
    records = real_content().contacts.records()

    assert found[0] == "report_remove"
    assert "wiltshire_mash" in found
    assert not {"emergency_999", "childline"} & {*found}
    for id_ in found:
        known = {*records[id_].needs, *records[id_].first_for}
        assert "wiltshire" in records[id_].areas or {"sextortion", "image_abuse"} & known


def test_named_contacts_that_are_not_for_the_reader_are_left_out() -> None:
    cards = real_content().contacts.cards(
        ["nspcc_helpline", "childline"], audience=CHILD, area=None, at=NOON
    )

    assert ids(cards) == ["childline"]


def test_a_check_that_is_overdue_is_said_not_hidden() -> None:
    later = datetime(2028, 1, 1, 12, tzinfo=LONDON)

    assert "last checked" in real_content().contacts.card("shout", later)["note"]
    assert "shout" in ids(for_person(audience=CHILD, need="distress", at=later))


def test_an_unknown_contact_is_an_error() -> None:
    with pytest.raises(KeyError):
        real_content().contacts.card("nobody", NOON)


def test_every_service_says_why_it_is_shown() -> None:
    at = datetime(2026, 12, 26, 3, 0, tzinfo=LONDON)
    for need in ("grooming", "suicide", "warning_signs", None):
        for audience in ("young_person", "parent", "professional"):
            cards = real_content().contacts.for_person(
                audience=audience, area="wiltshire", need=need, at=at
            )
            assert all(card["why"] for card in cards)
