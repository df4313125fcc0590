from __future__ import annotations

import re
from xml.etree import ElementTree

from scripts.evaluation.plots import Series, recall_against_false_alarms, reliability

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    whole = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    return ElementTree.fromstring(f"<div>{whole}</div>")  # noqa: S314 - our own


def test_a_dot_stands_where_its_share_is_and_on_the_diagonal_when_it_is_right() -> None:
    bins = [{"probability": 0.5, "hits": 5, "of": 10}, {"probability": 0.9, "hits": 1, "of": 40}]

    dots = list(parsed(reliability("a & b", bins)).iter(f"{SVG}circle"))

    right, wrong = ((float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in dots)
    assert wrong[0] > right[0]
    assert wrong[1] > right[1]  # lower on the page: it was so far less often than was said
    assert float(dots[1].attrib["r"]) > float(dots[0].attrib["r"])


def test_no_false_alarms_at_all_stand_at_the_edge_of_the_logarithmic_axis() -> None:
    series = [
        Series("none", [[0.0, 0.5]], 1, marked=True),
        Series("one in a thousand", [[0.001, 0.5]], 1, marked=True),
        Series("all", [[1.0, 0.5]], 1, marked=True),
    ]

    marks = [
        float(mark.attrib["cx"])
        for mark in parsed(recall_against_false_alarms("t", series)).iter(f"{SVG}circle")
        if mark.find(f"{SVG}title") is not None
    ]

    assert marks[0] == marks[1] < marks[2]


def test_every_series_is_drawn_and_named_in_the_key() -> None:
    series = [
        Series("Lantern <1>", [[0.01, 0.2], [0.1, 0.9]], 1),
        Series("as it decides", [[0.02, 0.5]], 1, marked=True),
    ]

    page = parsed(recall_against_false_alarms("t", series))

    assert ["".join(item.itertext()).strip() for item in page.iter("li")] == [
        "Lantern <1>", "as it decides",
    ]  # fmt: skip
    lines = [path for path in page.iter(f"{SVG}path") if path.attrib["class"] == "line s1"]
    assert len(lines) == 2  # one drawn, one in the key


def test_nothing_in_a_plot_comes_from_elsewhere() -> None:
    svg = reliability("t", []) + recall_against_false_alarms("t", [])

    assert not re.search(r"https?:|url\(|href", svg)
