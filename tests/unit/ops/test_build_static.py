"""The style sheet leaves the government's font and crest behind."""

from __future__ import annotations

import pytest

from ops.build_static import FONTS, BuildError, without_government_marks

FONT_FACE = (
    "/*! Copyright of the font */@font-face{font-family:GDS Transport;"
    "src:url(/assets/fonts/light.woff2)}"
)


def test_the_font_of_the_system_takes_the_place_of_the_governments() -> None:
    css = without_government_marks(f"{FONT_FACE}.a{{font-family:GDS Transport,arial,sans-serif}}")

    assert css == f".a{{font-family:{FONTS}}}"


def test_the_crest_is_left_out() -> None:
    css = without_government_marks(".b{background:url(/assets/images/govuk-crest.svg)}")

    assert css == ".b{background:none}"


@pytest.mark.parametrize("css", [".a{font:16px GDS Transport}", ".b{background:url(/x.png)}"])
def test_stops_at_a_style_sheet_it_does_not_know(css: str) -> None:
    with pytest.raises(BuildError):
        without_government_marks(css)
