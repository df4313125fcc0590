"""One look at all content finds what no reader of a single file can see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest

from safeguarding import records
from safeguarding.content.article_file import topics_of
from safeguarding.content.lint.check import Check, main
from safeguarding.taxonomy import CONTENT, ROOT
from tests.commands import run

TODAY = date(2026, 11, 25)


SHORT = """\
---
id: {topic}
title: {title}
about: a question
sources:
  - {{title: Help, publisher: NSPCC, url: "https://nspcc.org.uk", date: null, read_on: 2026-11-25}}
reviewed_on: 2026-11-25
review_due: 2028-05-25
approved_by: null
related: [nudes_shared]
contacts: {{young_person: [childline], parent: [childline]}}
---
## parent

You can ask for help.

What you can do:
- Talk to your child.
- Call Childline on 0800 1111.
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the real content, with one whole article and one file of the lexicon."""
    folder = tmp_path_factory.mktemp("original") / "content"
    shutil.copytree(CONTENT, folder, ignore=shutil.ignore_patterns("articles", "risk"))
    (folder / "articles").mkdir()
    for topic, title in topics_of(CONTENT / "articles").items():
        short = SHORT.format(topic=topic, title=json.dumps(title))
        (folder / "articles" / f"{topic}.md").write_text(short, encoding="utf-8")
    shutil.copy(CONTENT / "articles" / "nudes_shared.md", folder / "articles")
    shutil.copy(ROOT / "domain.yml", folder.parent)
    language = folder / "language.yml"  # without exceptions for articles that the copy lacks
    kept = [line for line in language.read_text("utf-8").splitlines() if "articles/" not in line]
    language.write_text("\n".join(kept).replace("    except:\n  - id", "  - id") + "\n", "utf-8")
    (folder / "risk").mkdir()
    shutil.copy(CONTENT / "risk" / "expansions.yml", folder / "risk")
    return folder


@pytest.fixture(scope="module", autouse=True)
def each_text_parsed_once() -> Iterator[None]:
    """Keep what was parsed, because every test reads all the content and changes little of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "YamlDocument", cache(records.YamlDocument))
        yield


@pytest.fixture
def content(original: Path) -> Iterator[Path]:
    """Make a copy for one test, always at the same place."""
    place = original.parent.with_name("copy")
    shutil.copytree(original.parent, place)
    yield place / "content"
    shutil.rmtree(place)


def problems(folder: Path, today: date = TODAY) -> list[str]:
    """Return what is wrong, a line each."""
    return [
        f"{problem.path.name}:{problem.line}: {problem.what}"
        for problem in sorted(set(Check(folder, today).problems))
    ]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_finds_nothing_wrong_with_what_is_right(content: Path) -> None:
    assert problems(content) == []


def test_misses_an_article_that_other_content_leads_to(content: Path) -> None:
    (content / "articles" / "sextortion.md").unlink()

    found = problems(content)

    assert any(
        line.startswith("nudes_shared.md:") and "is no other topic" in line for line in found
    )


def test_reports_what_is_past_its_review(content: Path) -> None:
    found = problems(content, date(2028, 1, 1))

    assert any(line.startswith("nudes_shared.md:") and "withheld" in line for line in found)
    assert any("shout: past its check" in line for line in found)
    assert any(line.startswith("party_house.md:") and "withheld" in line for line in found)
    assert any(line.startswith("expansions.yml:2: past its review") for line in found)
    assert any(line.startswith("chat_signs.yml:") and "withheld" in line for line in found)


Fault = tuple[str, str, str, str]
"""A file, words in it, what a slip makes of them, and words of the problem to find in that file."""
FAULTS: list[Fault] = [
    ("articles/nudes_shared.md", "approved_by: null", "approved_by: 5", "Expected `str"),
    ("contacts/national.yml", "116 123", "116 123 or 88858", "88858 is retired"),
    ("contacts/retired.yml", "why:", "because:", "because"),
    ("help_card.yml", 'name: "Childline"', 'name: "ChildLine"', "childline: not the name"),
    ("help_card.yml", "tel:08001111", "tel:08001112", "childline: not the ways"),
    ("help_card.yml", "If you're ever in danger, call 999.", "", "says nothing of 999"),
    ("opening.yml", "I can't", "word " * 60, "at most 60"),
    ("opening.yml", "999", "0800 1112", "0800 1112 is no number"),
    ("opening.yml", "Pick one", "We promise to keep it secret", "'We promise' is not ours"),
    ("phrases/gateway.yml", "numbers here", "0800 1112 here", "0800 1112 is no number"),
    ("choices.yml", "I can't call", "My risky behaviour", "'risky behaviour' is not ours"),
    ("choices.yml", "tool: grounding}", "tool: flying}", "no tool 'flying'"),
    ("choices.yml", "story: party_house}", "story: cave}", "no story 'cave'"),
    ("../domain.yml", "Scroll up", "Risky behaviour", "'Risky behaviour' is not ours"),
    ("../domain.yml", "0800 1111. In danger", "0800 1113. In danger", "0800 1113 is no number"),
    ("stories/party_house.md", "How it ended:", "It ended:", "'How it ended:'"),
    ("stories/party_house.md", "id: party_house", "id: x", "the file is called party_house"),
    (
        "articles/nudes_shared.md",
        "However the picture came about",
        "However the risky behaviour came about",
        "27: 'risky behaviour' is not ours",
    ),
    (
        "stories/party_house.md",
        "The adults ran it",
        "It was risky behaviour",
        "'risky behaviour' is not ours",
    ),
    ("phrases/gateway.yml", "Sorry, I can't", "Risky behaviour. I can't", "is not ours"),
    ("tools/grounding.md", "## young_person", "## child", "'child' is no audience"),
    ("tools/grounding.md", "do it wrong", "0800 1112 wrong", "0800 1112 is no number"),
    ("pledge.yml", "pledge_tell]", "pledge_shout]", "no button 'pledge_shout'"),
    ("chat_signs.yml", "secrecy:", "secretive:", "no words for secrecy"),
    ("chat_signs.yml", "secrecy:", "secretive:", "'secretive' is no sign"),
    ("chat_signs.yml", "[am_i_being_groomed, healthy", "[groomed, healthy", "no button ask_gr"),
    ("chat_signs.yml", "contacts: [childline, ceop]", "contacts: [nobody]", "no contact 'nobody'"),
    ("chat_signs.yml", "free on 0800 1111", "free on 0800 1112", "0800 1112 is no number"),
    ("chat_signs.yml", "It's meant to stay", "Risky behaviour is to stay", "is not ours"),
    ("language.yml", "contacts/national.yml:", "contacts/swindon.yml:", "does not need it"),
    ("guides/sextortion.yml", "id: sextortion", "id: blackmail", "the file is called sextortion"),
    ("guides/sextortion.yml", "Stop replying", "Risky behaviour", "is not ours"),
    ("guides/sextortion.yml", "SHOUT to 85258", "SHOUT to 85259", "85259 is no number"),
    ("phrases/guides.yml", "{title}", "{name}", "stand in braces"),
    ("replies/adults.yml", "replies:", "next:", "unknown field `next`"),
    ("replies/images_and_online.yml", "topic: sextortion\n", "topic: x\n", "no such topic"),
    ("replies/images_and_online.yml", "Don't pay or", "Risky behaviour or", "is not ours"),
    ("languages/pl.yml", "code: pl", "code: xx", "the file is called pl"),
    ("languages/pl.yml", "zadzwoń pod 999.", "zadzwoń.", "says nothing of 999"),
    ("languages/pl.yml", "0800 1111", "0800 1112", "0800 1112 is no number"),
    ("source_domains.yml", "domains:", "sites:", "unknown field `sites`"),
    ("risk/expansions.yml", "provenance:", "origin:", "no provenance"),
    ("risk/expansions.yml", "owner:", "author:", "author"),
]
HIDES_OTHERS: list[Fault] = [
    ("contacts/national.yml", "id: shout\n", "id: shout\n    x: y\n", "unknown field `x`"),
    ("contacts/needs.yml", "what_is_cse: sexual_exploitation", "what_is_cse: cse", "no such"),
    ("help_card.yml", "id: emergency_999", "id: nobody", "nobody: not the name"),
    ("phrases/contacts.yml", "{end}", "{and}", "stand in braces"),
    ("phrases/contacts.yml", "near:", "far:", "unknown field `far`"),
    ("phrases/gateway.yml", "provenance:", "origin:", "no provenance"),
    ("language.yml", 'words: "abscond', 'words: "(abscond', "no regular expression"),
    ("choices.yml", "id: safe_now,", "id: safe_now, x: y,", "unknown field `x`"),
]
"""Faults after which other files are not looked at."""


def one_a_file(faults: list[Fault]) -> list[list[Fault]]:
    """Sort faults into lists in which no file stands twice: a check of all content is slow."""
    by_file: dict[str, list[Fault]] = {}
    for fault in faults:
        by_file.setdefault(fault[0], []).append(fault)
    return [[fault for fault in row if fault] for row in zip_longest(*by_file.values())]


@pytest.mark.parametrize("faults", [*one_a_file(FAULTS), *([fault] for fault in HIDES_OTHERS)])
def test_finds_it_wherever_it_is(content: Path, faults: list[Fault]) -> None:
    for file, old, new, _ in faults:
        change(content / file, old, new)

    found = problems(content)

    for file, _, new, words in faults:
        begin = f"{Path(file).name}:"
        assert any(line.startswith(begin) and words in line for line in found), (file, new, found)


def test_finds_everything_at_once(content: Path) -> None:
    change(content / "opening.yml", "I can't", "word " * 60)
    change(content / "contacts" / "national.yml", "id: shout\n", "id: shout\n    x: y\n")
    (content / "help_card.yml").unlink()

    files = {line.split(":")[0] for line in problems(content)}

    assert files >= {"opening.yml", "national.yml", "help_card.yml"}


def test_finds_what_is_too_hard_to_read(content: Path) -> None:
    hard = "Exploitative circumstances necessitate comprehensive multidisciplinary intervention"
    begin = "What you can do:\n- "
    change(content / "articles" / "nudes_shared.md", begin, begin + f"{hard}. " * 9)

    change(content / "chat_signs.yml", "It's meant to stay secret.", f"{hard}. " * 12)
    change(content / "phrases" / "gateway.yml", "There is no wrong way", f"{hard}. " * 12)

    found = [line for line in problems(content) if "grade" in line]

    for file in ("nudes_shared.md:", "chat_signs.yml:", "gateway.yml:"):
        assert any(line.startswith(file) and "at most 6" in line for line in found)


def test_a_source_that_is_of_no_issuing_body_is_found_with_its_line(content: Path) -> None:
    expected = set()
    for file, old in (
        ("articles/nudes_shared.md", "https://www.childline.org.uk/"),
        ("stories/party_house.md", "https://"),
        ("guides/sextortion.yml", "https://ceopeducation.co.uk/"),
        ("replies/images_and_online.yml", "https://www.norfolk.police.uk/"),
        ("languages/pl.yml", 'url: "https://learning.nspcc.org.uk/'),
    ):
        new = f"{old.partition('https')[0]}https://news.example/"
        change(content / file, old, new)
        lines = (content / file).read_text("utf-8").splitlines()
        number = next(at for at, line in enumerate(lines, 1) if "news.example" in line)
        expected.add(f"{Path(file).name}:{number}")

    found = [line for line in problems(content) if "of no issuing body" in line]

    assert sorted(line.partition(": ")[0] for line in found) == sorted(expected)


def test_a_contact_is_confirmed_only_by_those_who_run_it_or_issue_the_rule(content: Path) -> None:
    change(content / "source_domains.yml", "  - giveusashout.org\n", "")

    assert any(
        line.startswith("contacts:1: shout: confirmed by nobody who runs it")
        for line in problems(content)
    )


def test_a_comfort_that_stands_in_every_answer_is_found(content: Path) -> None:
    young = "## young_person\n\nYou're not alone.\n\n## parent"
    for path in (content / "articles").glob("a*.md"):
        change(path, "## parent", young)

    found = [line for line in problems(content) if "of the answers" in line]

    assert len(found) == 1
    assert found[0].startswith('articles:1: "you\'re not alone" in ')
    assert found[0].endswith("at most 5%")


def test_quoted_words_that_blame_may_be_named_to_warn_of_them(content: Path) -> None:
    path = content / "articles" / "nudes_shared.md"
    change(path, "That's on them.", "Nobody should call it “risky behaviour”.")

    assert problems(content) == []


def test_prints_problems_then_a_summary_and_fails(content: Path) -> None:
    change(content / "articles" / "nudes_shared.md", "approved_by: null", "approved_by: 5")

    done = run(main, str(content))

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert any("nudes_shared.md:" in line and "Expected `str" in line for line in lines)
    readable = len(topics_of(CONTENT / "articles")) - 1
    assert any(
        line.startswith(f"answers: {readable} topics, {readable} readings") for line in lines
    )
    assert any(line.startswith("contacts: ") and "ivison_trust" in line for line in lines)
    assert any(line.startswith("due in 90 days: ") for line in lines)
    assert lines[-1].startswith("problems: ")
