"""Every text that a person is shown is looked at, and nothing else."""

from __future__ import annotations

from pathlib import Path

from safeguarding.content.lint.language import shown_texts
from safeguarding.taxonomy import CONTENT, ROOT


def test_looks_at_pieces_contacts_cards_buttons_and_responses() -> None:
    lines = list(shown_texts(CONTENT))
    texts = [line.text for line in lines]

    assert {line.path.parent.name for line in lines} >= {
        "articles", "stories", "tools", "contacts", "guides", "replies", "languages", "phrases"
    }  # fmt: skip
    assert any(text.startswith("Call 999 now, or get someone near you to.") for text in texts)
    assert any(text.startswith("Stop replying, and don't pay") for text in texts)
    assert any(text.startswith("Don't pay or send any more") for text in texts)
    assert any("zadzwoń pod 999" in text for text in texts)
    assert "I'm safe right now" in texts
    assert any(
        line.path == ROOT / "domain.yml" and "a fish with no eyes" in line.text for line in lines
    )
    assert any("Take the pledge" in text for text in texts)


def test_knows_file_line_and_reader_of_each() -> None:
    lines = [line for line in shown_texts(CONTENT) if line.path.stem == "party_house"]
    title, first = lines[0], lines[1]
    text = title.path.read_text(encoding="utf-8").splitlines()

    assert title.audience is None
    assert first.audience == "young_person"
    assert text[first.number - 1].strip() == first.text
    assert text[title.number - 1].startswith("title:")
    assert first.file(CONTENT) == "stories/party_house.md"


def test_what_younger_children_read_is_looked_at_as_theirs() -> None:
    lines = [line for line in shown_texts(CONTENT) if line.audience == "younger"]

    assert lines
    assert all(line.path.parent.name == "articles" for line in lines)


def test_what_no_person_reads_is_left_out() -> None:
    texts = [line.text for line in shown_texts(CONTENT)]

    assert not any(text.startswith(("https://", "tel:")) for text in texts)
    assert "ask_what_is_cse" not in texts
    assert not any("older pages say 24 hours" in text for text in texts)
    assert "should i pay the rest" not in texts
    assert not {"mnie bije", "hits me"} & {*texts}
    assert "childline.org.uk" not in texts


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "x.md").write_text("no head", encoding="utf-8")
    (tmp_path / "opening.yml").write_text("messages: [", encoding="utf-8")

    assert list(shown_texts(tmp_path)) == []
