"""A council needs one file only: its button, its services and its words follow from it."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from safeguarding.choices import choices
from safeguarding.content.areas import areas, service_files
from safeguarding.content.contacts import contact_directory
from safeguarding.content.hours import LONDON
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT

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
    """The buttons and contacts, with one more council."""
    shutil.copy(CONTENT / "choices.yml", tmp_path)
    shutil.copytree(CONTENT / "contacts", tmp_path / "contacts")
    (tmp_path / "contacts" / "dorset.yml").write_text(COUNCIL, encoding="utf-8")
    return tmp_path


def test_one_file_gives_the_area_its_button(content: Path) -> None:
    known = choices(content / "choices.yml")

    assert known.areas() == [
        {"id": "area_wiltshire", "label": "Wiltshire"},
        {"id": "area_bath_and_north_east_somerset", "label": "Bath and North East Somerset"},
        {"id": "area_dorset", "label": "Dorset"},
        {"id": "area_swindon", "label": "Swindon"},
        {"id": "area_elsewhere", "label": "Somewhere else"},
    ]
    assert known["area_dorset"].entities == {"area": "dorset"}


def test_one_file_sends_its_people_to_its_services_and_nobody_else(content: Path) -> None:
    directory = contact_directory(content / "contacts")

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
    directory = contact_directory(content / "contacts")
    place = "bath_and_north_east_somerset"

    def ids(audience: str) -> list[str]:
        cards = directory.for_person(audience=audience, area=place, need="grooming", at=NOON)
        return [card["id"] for card in cards]

    assert {"bath_children_and_families", "bath_emergency_duty_team"} <= set(ids("parent"))
    assert "bath_find_your_council" in ids("young_person")
    assert not {"bath_children_and_families", "bath_emergency_duty_team"} & set(ids("young_person"))


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
        contact_directory(content / "contacts")


def test_what_holds_no_services_is_no_area() -> None:
    assert next(path.stem for path in service_files()) == "national"
    assert not {"national", "needs", "retired"} & set(areas())
    assert all(head.words for head in areas().values())
