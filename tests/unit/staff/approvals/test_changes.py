"""What changed stands beside what was signed, marked in words and not by colour alone."""

from __future__ import annotations

from dataclasses import replace

from safeguarding.content.items import Block, Item
from staff.approvals.changes import ChangedLine, ChangedSpan, changes, marks
from tests.content import item


def of(*lines: str) -> Item:
    return replace(item(), blocks=(Block("What is said", lines),))


def plain(rows: list[ChangedLine]) -> list[tuple[str, str, str]]:
    return [(row.what, _text(row.before), _text(row.now)) for row in rows]


def _text(runs: tuple[ChangedSpan, ...]) -> str:
    return "".join(f"[{run.text}]" if run.marked else run.text for run in runs)


def test_the_same_words_have_no_changes() -> None:
    assert changes(item(), item()) == []


def test_marks_the_words_that_changed_within_a_line() -> None:
    rows = changes(of("One.", "Both really want to.", "Two."), of("One.", "Both want to.", "Two."))

    assert ("Changed", "Both[ really] want to.", "Both want to.") in plain(rows)


def test_lines_with_nothing_in_common_are_marked_whole() -> None:
    rows = changes(of("All of this."), of("Something quite different here."))

    assert plain(rows)[-1] == ("Changed", "[All of this.]", "[Something quite different here.]")


def test_a_line_that_came_or_went_stands_alone() -> None:
    assert plain(changes(of("a"), of("a", "b")))[-1] == ("Added", "", "[b]")
    assert plain(changes(of("a", "b"), of("a")))[-1] == ("Removed", "[b]", "")


def test_what_stayed_is_counted_and_not_shown() -> None:
    many = [f"line {number}" for number in range(20)]

    rows = plain(changes(of(*many, "old"), of(*many, "new")))

    assert rows[0] == ("21 lines the same", "", "")
    assert rows[1] == ("Same", "line 19", "line 19")
    assert len(rows) == 3


def test_a_new_title_and_a_new_reader_are_changes() -> None:
    titled = plain(changes(item(), replace(item(), title="Consent")))
    assert titled[0][0] == "Changed"
    moved = replace(item().blocks[0], audiences=("parent",))
    read = plain(changes(item(), replace(item(), blocks=(moved, item().blocks[1]))))
    assert any("Parents and carers" in now.replace("[", "").replace("]", "") for _, _, now in read)


def test_marks_stand_at_the_place_of_their_line() -> None:
    before, now = of("One.", "Two.", "Three."), of("One.", "Two and a half.", "Three.", "Four.")

    found = {place: [row.what for row in rows] for place, rows in marks(before, now).items()}

    assert found == {3: ["Changed"], 5: ["Added"]}


def test_a_removed_line_stands_before_the_next_or_at_the_end() -> None:
    assert list(marks(of("One.", "Two.", "Three."), of("One.", "Three."))) == [3]
    assert list(marks(of("One.", "Two."), of("One."))) == [3]
    assert marks(of("One."), of("One.")) == {}
