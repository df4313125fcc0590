"""The page holds every section, is sound HTML, asks nobody for anything and keeps the test part."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from safeguarding.risk.dialogues import Chat, Conversation, Line
from safeguarding.risk.dialogues import Said as WrittenTurn
from safeguarding.risk.lexicon import read_lexicon
from scripts.evaluation import chats, conversations
from scripts.evaluation.ablation import ablation_report, rules_alone
from scripts.evaluation.aims import message_aims, other_aims
from scripts.evaluation.baselines import LANTERN, baselines_report, keywords
from scripts.evaluation.cost import cost_report
from scripts.evaluation.errors import errors
from scripts.evaluation.obfuscation import disguised, obfuscation_report
from scripts.evaluation.outside import outside_report
from scripts.evaluation.report import as_page, percent, share_text, write
from scripts.evaluation.risk import risk_report
from scripts.evaluation.scoring import scores_report
from scripts.evaluation.shares import Share
from scripts.evaluation.summary import summary
from scripts.evaluation.topics import talk_report, topic_report
from tests.labelled import CONCERN, NONE, URGENT, case, heard

SECTIONS = {
    "aims", "baselines", "test", "development", "independent", "scores", "conversations", "chats",
    "disguises", "topics", "cost", "errors", "lexicon", "outside",
}  # fmt: skip
VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}
KEPT_BACK = "a sentence that nobody may read"
TO_READ = "he said <script>alert(1)</script> & left"
CHAT = Chat(
    id="c", harmful=True, severity="urgent", categories=("grooming",), layout="prose",
    lines=(Line(by="them", text="hi"),),
)  # fmt: skip
CONVERSATION = Conversation(
    id="k", harmful=True, due=1, severity="urgent", shape="plain",
    turns=(WrittenTurn(by="user", text="hi"),),
)  # fmt: skip


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """A small report, made of the same pieces as the whole one."""
    test = [
        case(URGENT, URGENT, (0.9, 0.8, 0.1), text=KEPT_BACK),
        case(CONCERN, NONE, (0.4, 0.2, 0.0), text=KEPT_BACK + " either"),
        case(NONE, CONCERN, (0.5, 0.1, 0.0), kind="near_miss", near=("bullying",)),
        case(NONE, NONE, (0.1, 0.0, 0.0), kind="question"),
    ]
    development = [
        case(URGENT, NONE, (0.3, 0.2, 0.1), part="development", text=TO_READ),
        case(NONE, URGENT, (0.9, 0.8, 0.1), part="development", text="my mum hits the piano keys"),
    ]
    sets = {"test": test, "development": development, "independent": test}
    words = keywords(each.example.text for cases in sets.values() for each in cases)
    disclosed = test[:1]
    hearing = {said: heard(NONE) for said in disguised([KEPT_BACK])}
    hearing |= {chats.said(CHAT): heard(URGENT)}
    systems = {LANTERN: test, words.name: words.cases(each.example for each in test)}
    asked = [{"text": "?", "intent": "ask_consent", "voice": "parent"}]
    verdicts = [{"intent": "ask_consent", "topics": [{"topic": "consent"}]}]
    whole: dict[str, Any] = {
        **{name: risk_report(cases) for name, cases in sets.items()},
        "scores": scores_report(test, development, systems),
        "errors": errors(development),
        "cost": cost_report(each.heard for each in test),
        "baselines": baselines_report(sets, [words]),
        "topics": {
            "questions": topic_report(asked, verdicts),
            "our talk": talk_report([]),
            "outside talk": talk_report([]),
        },
        "obfuscation": obfuscation_report(disclosed, hearing),
        "conversations": {
            "test": conversations.conversations_report([CONVERSATION], hearing),
            "development": conversations.conversations_report([], hearing),
        },
        "chats": {
            "test": chats.chats_report([CHAT], hearing),
            "training": chats.chats_report([], hearing),
        },
        "lexicon": ablation_report(
            read_lexicon(), [each.example for each in development], [], rules_alone
        ),
        "outside": outside_report({"mixed": []}, hearing),
    }
    aims = [*message_aims(test), *other_aims([], [], whole)]
    run = {
        "finished": "2026-11-25T12:00+00:00", "minutes": 3.4, "cores": 2, "python": "3.11.0",
        "lexicon": "abc", "classifier": "def", "assessed": 1234, "quick": True,
    }  # fmt: skip
    return {"run": run, "aims": [aim.record() for aim in aims], **whole}


class Outline(HTMLParser):
    """What stands in a page; stops at a tag that closes what is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.add(tag)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        self.links += [str(named[key]) for key in ("href", "src") if named.get(key)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def test_every_tag_is_closed_in_its_turn_and_every_name_is_given_once(
    report: dict[str, Any],
) -> None:
    page = Outline(as_page(report))

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_every_section_is_there_and_the_contents_lead_to_it(report: dict[str, Any]) -> None:
    page = Outline(as_page(report))

    assert set(page.ids) >= SECTIONS
    assert {link.removeprefix("#") for link in page.links} == SECTIONS


def test_the_page_asks_nobody_for_anything(report: dict[str, Any]) -> None:
    html = as_page(report)
    page = Outline(html)

    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert not re.search(r"@import|url\(|https?://", html)


def test_it_is_made_for_a_phone_and_for_the_dark(report: dict[str, Any]) -> None:
    html = as_page(report)

    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html
    assert "prefers-color-scheme: dark" in html


def test_errors_are_shown_as_typed_and_never_as_markup(report: dict[str, Any]) -> None:
    html = as_page(report)

    assert "he said &lt;script&gt;alert(1)&lt;/script&gt; &amp; left" in html
    assert "<script" not in html


def test_no_sentence_of_the_test_part_leaves_it(report: dict[str, Any], tmp_path: Path) -> None:
    data, page = write(report, tmp_path / "results")

    assert json.loads(data.read_text("utf-8"))["test"]["messages"] == 4
    assert KEPT_BACK not in data.read_text("utf-8")
    assert KEPT_BACK not in page.read_text("utf-8")
    assert KEPT_BACK not in "\n".join(summary(report))


def test_what_was_not_measured_is_said(report: dict[str, Any]) -> None:
    html = as_page({**report, "scores": None, "topics": {}, "outside": {}})

    assert "This engine gives no probabilities." in html
    assert "there is no trained model" in html
    assert "so nothing was measured" in html


def test_the_summary_says_of_each_aim_whether_it_is_met(report: dict[str, Any]) -> None:
    lines = [line.strip() for line in summary(report)]

    assert any(line.startswith("NOT MET") and "any risk" in line for line in lines)
    assert any(line.startswith("met") and "young people" in line for line in lines)
    assert any(line.startswith("not measured") for line in lines)
    assert any(line.startswith("Keyword list:") for line in lines)


@pytest.mark.parametrize(
    ("value", "text"), [(0.953, "95.3 %"), (0.002, "0.20 %"), (0.0, "0.0 %"), (None, "–")]
)
def test_small_shares_show_another_digit(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_a_share_in_words_has_its_counts_and_interval() -> None:
    assert share_text(Share(8, 10).record()) == "80.0 % (8/10; 49.0–94.3)"
    assert share_text(Share(0, 0).record()) == "nothing to measure"
