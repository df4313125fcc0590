"""Every text that a person is shown is looked at, and nothing else."""

from __future__ import annotations

from pathlib import Path

from safeguarding.content.spoken import spoken
from safeguarding.taxonomy import CONTENT, ROOT


def test_looks_at_pieces_contacts_cards_buttons_and_responses() -> None:
    lines = list(spoken(CONTENT))
    texts = [line.text for line in lines]

    assert {line.path.parent.name for line in lines} >= {"answers", "stories", "tools", "contacts"}
    assert "Tell one adult you trust. You can choose the words." in " ".join(texts)
    assert "I'm safe right now" in texts
    assert any(
        line.path == ROOT / "domain.yml" and "lamp go to school" in line.text for line in lines
    )
    assert any("Take the pledge" in text for text in texts)


def test_knows_file_line_and_reader_of_each() -> None:
    lines = [line for line in spoken(CONTENT) if line.path.stem == "party_house"]
    title, first = lines[0], lines[1]
    text = title.path.read_text(encoding="utf-8").splitlines()

    assert title.audience is None
    assert first.audience == "young_person"
    assert text[first.number - 1].strip() == first.text
    assert text[title.number - 1].startswith("title:")
    assert first.file(CONTENT) == "stories/party_house.md"


def test_what_no_person_reads_is_left_out() -> None:
    texts = [line.text for line in spoken(CONTENT)]

    assert not any(text.startswith(("https://", "tel:")) for text in texts)
    assert "ask_what_is_cse" not in texts
    assert not any("older pages say 24 hours" in text for text in texts)


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "x.md").write_text("no head", encoding="utf-8")
    (tmp_path / "opening.yml").write_text("messages: [", encoding="utf-8")

    assert list(spoken(tmp_path)) == []
