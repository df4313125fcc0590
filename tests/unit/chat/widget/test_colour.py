"""Colours that a site chooses: read strictly, and never left unreadable."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from chat.gateway.pages import FOLDER
from tests.programs import program

GROUNDS = ["--page", "--raised", "--own", "--help", "--now"]
SHEET = (FOLDER / "chat.css").read_text(encoding="utf-8")
BOTH = [re.findall(rf"{name}: (#\w{{6}})", SHEET) for name in GROUNDS]
LIGHT, DARK = [light for light, *_ in BOTH], [dark for _, dark, *_ in BOTH]
COLOURS = ["#ffdd00", "#005ea5", "#999999", "#000080", "#ffffff", "#000000", "#777777", "#d4351c"]


def calculated(expression: str) -> Any:
    """Return the value of an expression over the module."""
    script = f"""import {{ colour, contrast, inkOn }} from "{FOLDER / "colour.mjs"}";
        import {{ readable }} from "{FOLDER / "theme.mjs"}";
        console.log(JSON.stringify({expression}));"""
    command = [program("node"), "--input-type=module", "--eval", script]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def hexadecimal(rgb: list[int]) -> str:
    """[0, 94, 165] as "#005ea5"."""
    return "#" + bytes(rgb).hex()


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, written down a second time."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    pairs = [(one, other) for one in COLOURS for other in COLOURS]
    ours = calculated(f"{json.dumps(pairs)}.map(([a, b]) => contrast(colour(a), colour(b)))")

    assert ours == pytest.approx([ratio(*pair) for pair in pairs])


def test_black_or_white_can_be_read_on_every_colour() -> None:
    greys = [f"#{value:02x}{value:02x}{value:02x}" for value in range(256)]
    inks = calculated(f"{json.dumps(greys)}.map((each) => inkOn(colour(each)))")
    inks = [hexadecimal(ink) for ink in inks]

    assert set(inks) == {"#000000", "#ffffff"}
    assert all(ratio(ink, grey) >= 4.5 for ink, grey in zip(inks, greys, strict=True))


@pytest.mark.parametrize("grounds", [LIGHT, DARK], ids=["light", "dark"])
def test_a_colour_is_worn_in_the_nearest_shade_that_can_be_read(grounds: list[str]) -> None:
    worn = calculated(
        f"{json.dumps(COLOURS)}.map((each) => "
        f"readable(colour(each), {json.dumps(grounds)}.map(colour)))"
    )
    worn = [hexadecimal(shade) for shade in worn]

    for chosen, shade in zip(COLOURS, worn, strict=True):
        fine_as_it_is = all(ratio(chosen, ground) >= 4.5 for ground in grounds)
        assert all(ratio(shade, ground) >= 4.5 for ground in grounds), chosen
        assert (shade == chosen) is fine_as_it_is
    # Nearest: a little closer to what was chosen, and it could not be read.
    assert min(ratio(worn[2], ground) for ground in grounds) < 4.8


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("#005EA5", [0, 94, 165]),
        ("05a", [0, 85, 170]),
        (" #05a ", [0, 85, 170]),
        ("navy", None),
        ("#12345", None),
        ('"><script>', None),
        ("red;background:url(x)", None),
        (None, None),
    ],
)
def test_only_hexadecimal_colours_are_read(text: str | None, read: list[int] | None) -> None:
    assert calculated(f"colour({json.dumps(text)})") == read
