"""The contacts' files are read strictly: nothing that could mislead a person is let in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from safeguarding.clock import LONDON
from safeguarding.content.contacts import ContactDirectory, ContactPhrases
from safeguarding.content.services import read_services
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)


def changed(folder: Path, name: str, old: str, new: str) -> ContactDirectory:
    """Return the real directory with one change in one file."""
    for path in (CONTENT / "contacts").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        if path.stem == name:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / path.name).write_text(text, encoding="utf-8")
    say = real_content().phrases.of("contacts", ContactPhrases)
    topics = real_content().articles.all()
    return ContactDirectory(read_services(folder, topics), topics, {}, say)


SHOUT, SWINDON = 'href: "sms:85258"', 'Call 01793 464646", href: "tel:01793464646'
MASH = 'Call 0300 456 0108", href: "tel:03004560108'


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("national", "id: shout\n", "id: shout\n    colour: red\n", "colour"),
        ("national", "id: shout\n", "id: childline\n", "twice"),
        ("national", SHOUT, 'href: "sms:85259"', "not the number called"),
        ("national", SHOUT, 'href: "tel:85258"', "starts with sms:"),
        ("national", "[honour_based_abuse]", "[honour]", "'honour' is no risk"),
        ("national", '"09:00-17:00"', '"9-5"', "are no hours"),
        ("national", "false\n    doubt:", "false\n    note:", "say what is in doubt"),
        ("national", "check_due: 2027-05-25", "check_due: 2026-11-25", "due before"),
        ("national", "id: shout\n", "id: shout\n    tried_on: 2026-11-25\n", "when and by whom"),
        ("national", "id: papyrus\n", "id: papyrus\n    replaced_by: nobody\n", "not here"),
        ("national", "id: childline\n", "id: child_line\n", "'childline' must be here"),
        ("swindon", SWINDON, MASH, "different areas on the same number"),
    ],
)
def test_refuses_a_directory_that_could_mislead(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    with pytest.raises(ContentError, match=words):
        changed(tmp_path, name, old, new)


def test_says_in_which_line_the_problem_is(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        changed(tmp_path, "national", 'href: "sms:85258"', 'href: "sms:85259"')

    problem = caught.value.problems[0]
    line = (tmp_path / "national.yml").read_text(encoding="utf-8").splitlines()[problem.line - 1]
    assert "85259" in line


def test_reports_the_problems_of_every_file_at_once(tmp_path: Path) -> None:
    for name in ("wiltshire", "swindon"):
        (tmp_path / f"{name}.yml").write_text("services: 1\n", encoding="utf-8")

    with pytest.raises(ContentError) as caught:
        read_services(tmp_path, [])

    files = {problem.path.name for problem in caught.value.problems}
    assert files >= {"national.yml", "wiltshire.yml", "swindon.yml"}


def test_a_replaced_service_shows_its_successor(tmp_path: Path) -> None:
    directory = changed(
        tmp_path, "national", "id: papyrus\n", "id: papyrus\n    replaced_by: shout\n"
    )

    assert directory.card("papyrus", NOON)["id"] == "shout"
    cards = directory.for_person(audience="young_person", area=None, need="suicide", at=NOON)
    assert "papyrus" not in [card["id"] for card in cards]
