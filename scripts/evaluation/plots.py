"""Plots as SVG that stands in the page itself and takes its colours from the page's style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10, sqrt
from typing import Any

from scripts.wilson import interval

_WIDTH, _HEIGHT = 360, 300
"""As wide as a phone, so that the words in a plot are as large there as the words around it."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 20, 10, 44
_LEAST_SHOWN = 0.001
"""Where the axis of false alarms begins: one in a thousand. None at all stands there too."""
_DECADES = 3
_SMALLEST, _LARGEST = 2.5, 9.0
_LINE, _LABEL = 16, 5
_TENTH = 0.1

Axis = Callable[[float], float]


@dataclass(frozen=True)
class Series:
    """A line, or single points, with the name it has in the key."""

    name: str
    points: Sequence[Sequence[float]]
    """[false alarms, recall], 0 to 1."""
    colour: int
    """Number of a colour of the page's style, from 1."""
    marked: bool = False
    """Whether its points are marked rather than joined."""


def reliability(title: str, bins: Sequence[Mapping[str, Any]]) -> str:
    """How often it was so, against how probable it was said to be; the larger, the more messages.

    The bars are Wilson's 95 % intervals; on the diagonal the probabilities mean what they say.
    """
    most = max((each["of"] for each in bins), default=1)
    body = [_frame(title), *_ticks(_across, _PERCENTS, _PERCENTS)]
    body.append(_path([(0.0, 0.0), (1.0, 1.0)], _across, "diagonal"))
    joined = [(each["probability"], each["hits"] / each["of"]) for each in bins]
    body.append(_path(joined, _across, "line s1"))
    for each, (x, y) in zip(bins, joined, strict=True):
        low, high = interval(each["hits"], each["of"])
        radius = _SMALLEST + (_LARGEST - _SMALLEST) * sqrt(each["of"] / most)
        at = f"{_across(x):.1f}"
        body.append(f'<path class="bar" d="M{at} {_up(low):.1f}V{_up(high):.1f}"/>')
        body.append(
            f'<circle class="dot s1" cx="{at}" cy="{_up(y):.1f}" r="{radius:.1f}">'
            f"<title>said {x:.0%}, was {y:.0%} of {each['of']}</title></circle>"
        )
    body += _names("probability given", "share that was so")
    return _svg(title, body)


def recall_against_false_alarms(title: str, series: Sequence[Series]) -> str:
    """Recall upwards, false alarms to the right on a logarithmic axis from one in a thousand."""
    body = [_frame(title), *_ticks(_logarithmic, _SMALL_PERCENTS, _PERCENTS)]
    for each in series:
        points = [(x, y) for x, y in each.points]
        if each.marked:
            body += (_mark(each, *point) for point in points)
        else:
            body.append(_path(points, _logarithmic, f"line s{each.colour}"))
    body += _names("false alarms (logarithmic)", "recall")
    return _svg(title, body) + _key(series)


_PERCENTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SMALL_PERCENTS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def _across(x: float) -> float:
    return _LEFT + x * (_WIDTH - _LEFT - _RIGHT)


def _logarithmic(x: float) -> float:
    return _across(1 + log10(max(x, _LEAST_SHOWN)) / _DECADES)


def _up(y: float) -> float:
    return _HEIGHT - _BOTTOM - y * (_HEIGHT - _TOP - _BOTTOM)


def _svg(title: str, body: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(body)}</svg>"
    )


def _frame(title: str) -> str:
    width, height = _across(1) - _across(0), _up(0) - _up(1)
    return (
        f"<title>{escape(title)}</title>"
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{width}" height="{height}"/>'
    )


def _ticks(across: Axis, horizontal: Sequence[float], vertical: Sequence[float]) -> Iterator[str]:
    for value in horizontal:
        x, label = across(value), f"{value:.1%}" if 0 < value < _TENTH / 10 else f"{value:.0%}"
        yield f'<path class="grid" d="M{x:.1f} {_up(0):.1f}V{_up(1):.1f}"/>'
        yield f'<text x="{x:.1f}" y="{_up(0) + _LINE:.1f}" class="middle">{label}</text>'
    for value in vertical:
        y = _up(value)
        yield f'<path class="grid" d="M{_across(0):.1f} {y:.1f}H{_across(1):.1f}"/>'
        yield f'<text x="{_LEFT - _LABEL}" y="{y + 4:.1f}" class="end">{value:.0%}</text>'


def _names(horizontal: str, vertical: str) -> Iterator[str]:
    yield f'<text class="middle" x="{_across(0.5):.1f}" y="{_HEIGHT - 8}">{horizontal}</text>'
    yield (
        f'<text class="middle" transform="translate(10 {_up(0.5):.1f}) rotate(-90)">'
        f"{vertical}</text>"
    )


def _path(points: Sequence[tuple[float, float]], across: Axis, kind: str) -> str:
    if not points:
        return ""
    steps = "L".join(f"{across(x):.1f} {_up(y):.1f}" for x, y in points)
    return f'<path class="{kind}" d="M{steps}"/>'


def _mark(series: Series, x: float, y: float) -> str:
    at = f'cx="{_logarithmic(x):.1f}" cy="{_up(y):.1f}"'
    return (
        f'<circle class="mark s{series.colour}" {at} r="5">'
        f"<title>{escape(series.name)}: {y:.1%} recall, {x:.2%} false alarms</title></circle>"
    )


def _key(series: Iterable[Series]) -> str:
    return f'<ul class="key">{"".join(map(_key_item, series))}</ul>'


def _key_item(series: Series) -> str:
    if series.marked:
        inside = f'<circle class="mark s{series.colour}" cx="14" cy="6" r="5"/>'
    else:
        inside = f'<path class="line s{series.colour}" d="M0 6H28"/>'
    drawn = f'<svg class="sample" viewBox="0 0 28 12" aria-hidden="true">{inside}</svg>'
    return f"<li>{drawn} {escape(series.name)}</li>"
