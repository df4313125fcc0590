"""One look at all content finds what no reader of a single file can see."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.check import Check, main
from safeguarding.content.reading import measurable
from safeguarding.taxonomy import CONTENT, ROOT

TODAY = date(2026, 11, 25)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A copy of the real content, with one answer and one file of the lexicon."""
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder, ignore=shutil.ignore_patterns("answers", "risk"))
    (folder / "answers").mkdir()
    shutil.copy(CONTENT / "answers" / "nudes_shared.md", folder / "answers")
    shutil.copy(ROOT / "domain.yml", tmp_path)
    language = folder / "language.yml"  # without exceptions for answers that the copy lacks
    kept = [line for line in language.read_text("utf-8").splitlines() if "answers/" not in line]
    language.write_text("\n".join(kept).replace("    except:\n  - id", "  - id") + "\n", "utf-8")
    (folder / "risk").mkdir()
    shutil.copy(CONTENT / "risk" / "expansions.yml", folder / "risk")
    return folder


def problems(folder: Path, today: date = TODAY) -> list[str]:
    """What is wrong, but for the answers that the copy does not have."""
    return [
        f"{problem.path.name}:{problem.line}: {problem.what}"
        for problem in sorted(set(Check(folder, today).run().problems))
        if not problem.what.startswith("no answer for")
    ]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_finds_nothing_wrong_with_what_is_right(content: Path) -> None:
    assert problems(content) == []


def test_misses_the_answers_that_nobody_wrote(content: Path) -> None:
    found = {problem.what for problem in Check(content, TODAY).run().problems}

    assert "no answer for consent" in found
    assert "no answer for nudes_shared" not in found


def test_reports_what_is_past_its_review(content: Path) -> None:
    found = problems(content, date(2028, 1, 1))

    assert any(line.startswith("nudes_shared.md:") and "withheld" in line for line in found)
    assert any("shout: past its check" in line for line in found)
    assert any(line.startswith("party_house.md:") and "withheld" in line for line in found)
    assert any(line.startswith("expansions.yml:2: past its review") for line in found)
    assert any(line.startswith("chat_signs.yml:") and "withheld" in line for line in found)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("answers/nudes_shared.md", "approved_by: null", "approved_by: 5", "Expected `str"),
        ("contacts/national.yml", "id: shout\n", "id: shout\n    x: y\n", "unknown field `x`"),
        ("contacts/needs.yml", "what_is_cse: sexual_exploitation", "what_is_cse: cse", "no such"),
        ("contacts/national.yml", "116 123", "116 123 or 88858", "88858 is retired"),
        ("contacts/retired.yml", "why:", "because:", "because"),
        ("help_card.yml", "name: Childline", "name: ChildLine", "childline: not the name"),
        ("help_card.yml", "tel:08001111", "tel:08001112", "childline: not the ways"),
        ("help_card.yml", "id: emergency_999", "id: nobody", "nobody: not the name"),
        ("help_card.yml", "night: 0800 1111.", "night.", "says nothing of 0800 1111"),
        ("opening.yml", "I can't", "word " * 60, "at most 60"),
        ("opening.yml", "999", "0800 1112", "0800 1112 is no number"),
        (
            "opening.yml",
            "Anything works",
            "We promise to keep it secret",
            "'We promise' is not ours",
        ),
        ("gateway.yml", "numbers here", "0800 1112 here", "0800 1112 is no number"),
        ("choices.yml", "I can't call", "My risky behaviour", "'risky behaviour' is not ours"),
        ("choices.yml", "tool: grounding}", "tool: flying}", "no tool 'flying'"),
        ("choices.yml", "story: party_house}", "story: cave}", "no story 'cave'"),
        ("../domain.yml", "Scroll up", "Risky behaviour", "'Risky behaviour' is not ours"),
        ("../domain.yml", "0800 1111. In danger", "0800 1113. In danger", "0800 1113 is no number"),
        ("stories/party_house.md", "How it ended:", "It ended:", "'How it ended:'"),
        ("stories/party_house.md", "id: party_house", "id: x", "the file is called party_house"),
        ("tools/grounding.md", "## young_person", "## child", "'child' is no audience"),
        ("tools/grounding.md", "no wrong way", "0800 1112 way", "0800 1112 is no number"),
        ("pledge.yml", "pledge_tell]", "pledge_shout]", "no button 'pledge_shout'"),
        ("chat_signs.yml", "secrecy:", "secretive:", "no words for secrecy"),
        ("chat_signs.yml", "secrecy:", "secretive:", "'secretive' is no sign"),
        ("chat_signs.yml", "[am_i_being_groomed, healthy", "[groomed, healthy", "no button ask_gr"),
        ("chat_signs.yml", "contacts: [childline]", "contacts: [nobody]", "no contact 'nobody'"),
        ("chat_signs.yml", "free on 0800 1111", "free on 0800 1112", "0800 1112 is no number"),
        ("chat_signs.yml", "It is meant to stay", "Risky behaviour is to stay", "is not ours"),
        ("language.yml", 'words: "abscond', 'words: "(abscond', "no regular expression"),
        ("language.yml", "contacts/national.yml:", "contacts/swindon.yml:", "does not need it"),
        ("choices.yml", "  talk_to_someone:", "  talk_to_anyone:", "'talk_to_anyone' is no topic"),
        ("choices.yml", "id: safe_now,", "id: safe_now, x: y,", "unknown field `x`"),
        ("risk/expansions.yml", "provenance:", "origin:", "no provenance"),
        ("risk/expansions.yml", "owner:", "author:", "author"),
    ],
)
def test_finds_it_wherever_it_is(content: Path, file: str, old: str, new: str, words: str) -> None:
    change(content / file, old, new)

    assert any(words in line for line in problems(content)), problems(content)


def test_finds_everything_at_once(content: Path) -> None:
    change(content / "opening.yml", "I can't", "word " * 60)
    change(content / "contacts" / "national.yml", "id: shout\n", "id: shout\n    x: y\n")
    (content / "help_card.yml").unlink()

    files = {line.split(":")[0] for line in problems(content)}

    assert files >= {"opening.yml", "national.yml", "help_card.yml"}


@pytest.mark.skipif(not measurable(), reason="textstat is for the services alone")
def test_finds_what_is_too_hard_to_read(content: Path) -> None:
    hard = "Exploitative circumstances necessitate comprehensive multidisciplinary intervention"
    begin = "What you can do:\n- "
    change(content / "answers" / "nudes_shared.md", begin, begin + f"{hard}. " * 9)

    change(content / "chat_signs.yml", "It is meant to stay secret.", f"{hard}. " * 12)

    found = [line for line in problems(content) if "grade" in line]

    for file in ("nudes_shared.md:", "chat_signs.yml:"):
        assert any(line.startswith(file) and "at most 5" in line for line in found)


def test_prints_problems_then_a_summary_and_fails(
    content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(content) == 1

    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("no answer for consent") for line in lines)
    assert any(line.startswith("answers: 1 of ") and "3 readings" in line for line in lines)
    assert any(line.startswith("contacts: ") and "ivison_trust" in line for line in lines)
    assert any(line.startswith("due in 90 days: ") for line in lines)
    assert lines[-1].startswith("problems: ")
