"""The page has every section, is valid HTML without external resources, and hides the test part."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lab.evaluation import dialogues
from lab.evaluation.ablation import ablation_report, rules_alone
from lab.evaluation.aims import message_aims, other_aims, summary
from lab.evaluation.assessing import cost_report
from lab.evaluation.baselines import LANTERN, baselines_report, keywords
from lab.evaluation.everyday import everyday_report, to_assess
from lab.evaluation.messages import disguised, obfuscation_report, outside_report
from lab.evaluation.report import Series, as_page, recall_against_false_alarms, reliability, write
from lab.evaluation.risk import errors, risk_report, scores_report
from lab.evaluation.topics import talk_report, topic_report
from lab.tests.labelled import case, result
from safeguarding.corpus import (
    Chat,
    LabelledChatLine,
    LabelledConversation,
    WrittenTurn,
)
from safeguarding.risk.lexicon.reader import read_lexicon
from tests.labelled import CONCERN, NONE, URGENT, example

SECTIONS = {
    "aims", "baselines", "test", "development", "independent", "scores", "conversations", "chats",
    "disguises", "topics", "cost", "errors", "lexicon", "everyday", "outside",
}  # fmt: skip
VOID = {"meta", "link", "br", "wbr", "img", "hr", "input"}
KEPT_BACK = "a sentence of the test part"
TO_READ = "he said <script>alert(1)</script> & left"
CHAT = Chat(
    id="c", writer="w", harmful=True, severity="urgent", categories=("grooming",), layout="prose",
    lines=(LabelledChatLine(by="them", text="hi"),),
)  # fmt: skip
CONVERSATION = LabelledConversation(
    id="k", writer="w", harmful=True, due=1, severity="urgent", shape="plain",
    turns=(WrittenTurn(by="user", text="hi"),),
)  # fmt: skip


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Return a small report with the same sections as the whole one."""
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
    calm = [example(f"off to the shop {at}", NONE, situation="chat") for at in range(10)]
    results = {each: result(NONE) for each in disguised([KEPT_BACK])}
    results |= {dialogues.pasted(CHAT): result(URGENT)}
    results |= {each: result(NONE) for each in to_assess(calm)}
    systems = {LANTERN: test, words.name: words.cases(each.example for each in test)}
    asked = [{"text": "?", "intent": "ask_consent", "voice": "parent"}]
    verdicts = [{"intent": "ask_consent", "topic": "consent", "topics": [{"topic": "consent"}]}]
    whole: dict[str, Any] = {
        **{name: risk_report(cases) for name, cases in sets.items()},
        "scores": scores_report(test, development, systems),
        "errors": errors(development),
        "cost": cost_report(each.result for each in test),
        "baselines": baselines_report(sets, [words]),
        "topics": {
            "questions": topic_report(asked, verdicts),
            "our talk": talk_report([]),
            "outside talk": talk_report([]),
        },
        "obfuscation": obfuscation_report(disclosed, results),
        "conversations": {
            "test": dialogues.conversations_report([CONVERSATION], results),
            "development": dialogues.conversations_report([], results),
        },
        "chats": {
            "test": dialogues.chats_report([CHAT], results),
            "training": dialogues.chats_report([], results),
        },
        "lexicon": ablation_report(
            read_lexicon(), [each.example for each in development], [], rules_alone
        ),
        "outside": outside_report({"mixed": []}, results),
        "everyday": everyday_report(calm, results),
    }
    aims = [*message_aims(test), *other_aims([], [], whole)]
    run = {
        "finished": "2026-11-25T12:00+00:00", "minutes": 3.4, "cores": 2, "python": "3.11.0",
        "lexicon": "abc", "classifier": "def", "assessed": 1234, "quick": True,
    }  # fmt: skip
    return {"run": run, "aims": [aim.record() for aim in aims], **whole}


class Outline(HTMLParser):
    """Collects the tags of a page; raises at a closing tag without an open one."""

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


def test_tags_are_closed_in_order_and_ids_are_unique(
    report: dict[str, Any],
) -> None:
    page = Outline(as_page(report))

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_every_section_is_there_and_the_contents_lead_to_it(report: dict[str, Any]) -> None:
    page = Outline(as_page(report))

    assert set(page.ids) >= SECTIONS
    assert {link.removeprefix("#") for link in page.links} == SECTIONS


def test_the_page_loads_nothing_from_elsewhere(report: dict[str, Any]) -> None:
    html = as_page(report)
    page = Outline(html)

    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert not re.search(r"@import|url\((?!#)|https?://", html)


def test_the_page_suits_phones_and_dark_mode(report: dict[str, Any]) -> None:
    html = as_page(report)

    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html
    assert "prefers-color-scheme: dark" in html


def test_errors_are_shown_as_typed_and_never_as_markup(report: dict[str, Any]) -> None:
    html = as_page(report)

    assert "he said &lt;script&gt;alert(1)&lt;/script&gt; &amp; left" in html
    assert "<script" not in html


def test_no_sentence_of_the_test_part_is_written(report: dict[str, Any], tmp_path: Path) -> None:
    data, page = write(report, tmp_path / "results")

    assert json.loads(data.read_text("utf-8"))["test"]["messages"] == 4
    assert KEPT_BACK not in data.read_text("utf-8")
    assert KEPT_BACK not in page.read_text("utf-8")
    assert KEPT_BACK not in "\n".join(summary(report))


def test_the_page_tells_what_was_not_measured(report: dict[str, Any]) -> None:
    html = as_page({**report, "scores": None, "topics": {}, "outside": {}, "everyday": {}})

    assert "This engine gives no probabilities." in html
    assert "there is no trained model" in html
    assert "so nothing was measured" in html
    assert "LANTERN_BACKGROUND" in html


def test_the_summary_tells_whether_each_aim_is_met(report: dict[str, Any]) -> None:
    lines = [line.strip() for line in summary(report)]

    assert any(line.startswith("NOT MET") and "any risk" in line for line in lines)
    assert any(line.startswith("met") and "young people" in line for line in lines)
    assert any(line.startswith("not measured") for line in lines)
    assert any(line.startswith("Keyword list:") for line in lines)


SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
BINS = [{"probability": 0.5, "hits": 5, "of": 10}, {"probability": 0.9, "hits": 1, "of": 40}]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("<svg ", f"<svg {NAMES}"))  # noqa: S314 - our own


def marks(svg: str, colour: str = "var(--s1)") -> list[tuple[float, float, str]]:
    """Return the places of the dots of this colour, and the shape of each."""
    return [
        (float(mark.attrib["x"]), float(mark.attrib["y"]), mark.attrib[LINK])
        for mark in parsed(svg).iter(f"{SVG}use")
        if f"fill: {colour}" in mark.attrib.get("style", "")
    ]


def test_a_dot_stands_where_its_share_is_and_is_larger_the_more_messages_it_has() -> None:
    svg = reliability("a & b", BINS)

    right, wrong = marks(svg)

    assert wrong[0] > right[0]
    assert wrong[1] > right[1]  # lower on the page: it was so less often than the probability says
    assert right[2] != wrong[2]


def test_no_false_alarms_at_all_stand_at_the_edge_of_the_logarithmic_axis() -> None:
    series = [Series(str(x), [[x, 0.5]], 1, marked=True) for x in (0.0, 0.001, 1.0)]

    # The key's marks, which stand below the plot, come after those of the plot.
    none, thousandth, all_of_them = (
        x for x, _, _ in marks(recall_against_false_alarms("t", series))[:3]
    )

    assert none == thousandth < all_of_them


def test_every_series_is_drawn_and_named_in_the_legend() -> None:
    series = [
        Series("Lantern <1>", [[0.01, 0.2], [0.1, 0.9]], 1),
        Series("as it decides", [[0.02, 0.5]], 2, marked=True),
    ]

    svg = recall_against_false_alarms("t", series)

    named = ["".join(text.itertext()).strip() for text in parsed(svg).iter(f"{SVG}text")]
    lines = [
        path
        for path in parsed(svg).iter(f"{SVG}path")
        if "stroke: var(--s1)" in path.attrib.get("style", "")
    ]
    assert named[-2:] == ["Lantern <1>", "as it decides"]
    assert len(lines) == 2  # one drawn, one in the key
    assert len(marks(svg, "var(--s2)")) == 2


def test_nothing_in_a_plot_comes_from_elsewhere() -> None:
    svg = reliability("t", BINS) + recall_against_false_alarms("t", [])

    assert not re.search(r"https?:|url\((?!#)|href=\"(?!#)", svg)


def test_the_same_figures_give_the_same_plot_and_no_id_stands_twice_on_the_page() -> None:
    one, other = reliability("one", BINS), reliability("other", BINS)
    ids = re.findall(r'\bid="([^"]*)"', one + other)

    assert one == reliability("one", BINS)
    assert len(ids) == len(set(ids)) > 0


def test_every_colour_is_one_of_the_pages_style() -> None:
    svg = reliability("t", BINS) + recall_against_false_alarms("t", [])
    colours = re.findall(r"(?:fill|stroke): ([^;\"]+)", svg)

    assert {colour for colour in colours if colour != "none"} == {
        "var(--soft)", "var(--grid)", "var(--card)", "var(--s1)",
    }  # fmt: skip
