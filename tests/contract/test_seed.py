"""Every item of the slides of 2015 has its place in the content, as docs/seed.md says."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from safeguarding.taxonomy import CONTENT, ROOT
from tests.content import real_content

KINDS = {
    "answered",
    "as of 2015",
    "corrected",
    "staff only",
    "staff only, as of 2015",
    "not served",
}
DEAD = re.compile(
    r"wiltshirelscb\.org|safeguardingchildrenea\.co\.uk|communitycare\.co\.uk/Assets|paceuk\.info"
    r"|nhs\.uk/aboutnhschoices|rotherham\.gov\.uk/download|stop-cse\.org|programmes/b051s0fh"
    r"|saferinternet\.org\.uk/advice-and-resources|preventing-abuse/keeping-children-safe/share-aware"
    r"|thinkuknow\.co\.uk/?(?=[\"\s).,]|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""Links of the slides that are dead, moved or replaced."""


class Row(NamedTuple):
    """One line of the table."""

    number: int
    seed: str
    kind: str
    file: str
    words: str
    note: str

    @property
    def topic(self) -> str:
        """The topic of its answer."""
        return self.file.removeprefix("articles/").removesuffix(".md")


def table() -> list[Row]:
    rows = []
    for line in (ROOT / "docs" / "seed.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].isdigit():
            rows.append(Row(int(cells[0]), *cells[1:3], cells[3].strip("`"), *cells[4:6]))  # type: ignore[call-arg]
    return rows


ROWS = table()
SERVED = [row for row in ROWS if row.kind != "not served"]
LEFT_OUT = [row for row in ROWS if row.kind == "not served"]


def test_every_item_stands_in_the_table_once():
    assert [row.number for row in ROWS] == list(range(1, 85))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_every_row_says_what_became_of_it(row):
    assert row.kind in KINDS
    assert row.seed


@pytest.mark.parametrize("row", SERVED, ids=lambda row: str(row.number))
def test_what_is_served_stands_where_the_table_says(row):
    text = (CONTENT / row.file).read_text("utf-8")

    assert row.words
    assert row.words in " ".join(text.split())


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "as of" in row.kind], ids=lambda row: str(row.number)
)
def test_what_is_history_is_told_with_its_year(row):
    readings = real_content().articles.all()[row.topic].sections.values()
    told = [reading for reading in readings if row.words in reading.all]

    assert told
    assert all("2015" in reading.all for reading in told)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "staff only" in row.kind], ids=lambda row: str(row.number)
)
def test_what_is_for_staff_is_told_to_nobody_else(row):
    sections = real_content().articles.all()[row.topic].sections

    assert row.words in sections["professional"].all
    assert all(row.words not in sections[name].all for name in sections if name != "professional")


@pytest.mark.parametrize("row", LEFT_OUT, ids=lambda row: str(row.number))
def test_what_is_left_out_has_a_reason_and_is_nowhere(row):
    assert row.note
    assert not row.file
    served = [path for path in CONTENT.rglob("*") if path.is_file() and path.stem != "retired"]
    assert not row.words or not any(row.words in path.read_text("utf-8") for path in served)


@pytest.mark.parametrize(
    "path",
    [*sorted(CONTENT.rglob("*.md")), *sorted(CONTENT.rglob("*.yml")), ROOT / "domain.yml"],
    ids=lambda path: path.name,
)
def test_no_dead_link_of_the_slides_is_served(path):
    if path.stem != "retired":  # which lists them, so that they are found
        assert DEAD.findall(path.read_text("utf-8")) == []
