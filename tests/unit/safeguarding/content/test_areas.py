"""A council needs one file only: its button, its services and its words follow from it."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from safeguarding.clock import LONDON
from safeguarding.content.choices import Choices, read_choices
from safeguarding.content.contacts import ContactDirectory, read_contacts
from safeguarding.content.services import read_areas, service_files
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)
COUNCIL = """\
area:
  label: Dorset
  nation: england
  words: [dorset, poole]
services:
  - id: dorset_front_door
    name: Dorset children's services
    what: Social workers who keep children safe in Dorset.
    for_whom: {young_person: {to: 17}, parent: {}, professional: {}}
    nations: [england]
    areas: [dorset]
    needs: [anything]
    first_for: [sexual_exploitation]
    hours: {always: true}
    ways:
      - {kind: phone, label: "Call 01305 228558", href: "tel:01305228558"}
    source: {title: A page, url: "https://example.org", date: null, read_on: 2026-11-25}
    checked_on: 2026-11-25
    check_due: 2027-05-25
    confirmed: true
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return the buttons and contacts, with one more council."""
    shutil.copy(CONTENT / "choices.yml", tmp_path)
    shutil.copytree(CONTENT / "contacts", tmp_path / "contacts")
    (tmp_path / "contacts" / "dorset.yml").write_text(COUNCIL, encoding="utf-8")
    return tmp_path


def buttons(folder: Path) -> Choices:
    areas = read_areas(folder / "contacts")
    labels = {id_: area.label for id_, area in areas.items()}
    return read_choices(folder / "choices.yml", {}, labels)


def directory_of(folder: Path) -> ContactDirectory:
    return read_contacts(folder / "contacts", real_content().phrases, real_content().articles.all())


def test_one_file_gives_the_area_its_button(content: Path) -> None:
    before, known = buttons(CONTENT).areas(), buttons(content)

    others = [button for button in known.areas() if button["id"] != "area_dorset"]
    assert others == before
    assert {"id": "area_dorset", "label": "Dorset"} in known.areas()


def test_buttons_begin_at_home_follow_the_alphabet_and_end_elsewhere(content: Path) -> None:
    known = buttons(content)

    first, *neighbours, last = [button["id"] for button in known.areas()]
    assert (first, last) == ("area_wiltshire", "area_elsewhere")
    assert neighbours == sorted(neighbours)
    assert "area_dorset" in neighbours
    assert known["area_dorset"].entities == {"area": "dorset"}


def test_one_file_sends_its_people_to_its_services_and_nobody_else(content: Path) -> None:
    directory = directory_of(content)

    def ids(area: str | None) -> list[str]:
        cards = directory.for_person(
            audience="parent", area=area, need="sexual_exploitation", at=NOON
        )
        return [card["id"] for card in cards]

    assert "dorset_front_door" in ids("dorset")
    assert not {"wiltshire_mash", "find_your_council", "meic"} & set(ids("dorset"))
    for area in (None, "wiltshire", "swindon", "elsewhere", "wales"):
        assert "dorset_front_door" not in ids(area)


def test_the_second_area_is_served_by_its_own_council(content: Path) -> None:
    directory = directory_of(content)
    place = "bath_and_north_east_somerset"

    def ids(audience: str) -> list[str]:
        cards = directory.for_person(audience=audience, area=place, need="grooming", at=NOON)
        return [card["id"] for card in cards]

    assert {"bath_children_and_families", "bath_emergency_duty_team"} <= set(ids("parent"))
    assert "bath_find_your_council" in ids("young_person")
    assert not {"bath_children_and_families", "bath_emergency_duty_team"} & set(ids("young_person"))


def test_a_council_whose_only_door_is_closed_still_says_when_it_opens(content: Path) -> None:
    path = content / "contacts" / "dorset.yml"
    office = 'hours: {weekly: {mon-fri: "09:00-17:00"}, bank_holidays: closed}'
    path.write_text(COUNCIL.replace("hours: {always: true}", office), encoding="utf-8")

    cards = directory_of(content).cards(
        ["wiltshire_mash"], audience="young_person", area="dorset", at=NOON.replace(hour=3)
    )

    assert [(card["id"], card["hours"]) for card in cards] == [
        ("dorset_front_door", "Closed now. Opens today 9am.")
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("area:\n  label: Dorset\n  nation: england\n  words: [dorset, poole]\n", "", "no `area`"),
        ("nation: england", "nation: mars", "Invalid enum value 'mars'"),
        ("label: Dorset", "name: Dorset", "unknown field `name`"),
        ("areas: [dorset]", "areas: [narnia]", "'narnia' is no file of this folder"),
    ],
)
def test_a_file_that_does_not_say_where_it_is_is_refused(
    content: Path, old: str, new: str, problem: str
) -> None:
    path = content / "contacts" / "dorset.yml"
    assert old in COUNCIL
    path.write_text(COUNCIL.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContentError, match=problem):
        directory_of(content)


def test_what_holds_no_services_is_no_area() -> None:
    assert next(path.stem for path in service_files(CONTENT / "contacts")) == "national"
    assert not {"national", "needs", "retired"} & set(real_content().areas)
    assert all(head.words for head in real_content().areas.values())
