"""Makes PDFs with marked and numbered pages, headings, tables, and letters of every script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF, XPos, YPos
from fpdf.enums import TextMode
from fpdf.fonts import FontFace, TextStyle

FONTS = Path(str(files("manimgx_fonts")))
_MARKING = "OFFICIAL-SENSITIVE"
_PLAIN = "NotoSans[wght].ttf"
_SIZES = {1: 20, 2: 14, 3: 11.5}
"""Points of a heading, by level."""
_TEXT_SIZE = 10
_LINE = 5.2
"""Millimetres from one line to the next."""
_BLACK = (0, 0, 0)
_GREY = (72, 73, 73)
_BLUE = (31, 48, 68)
_BOLD = {"line_width": 0.12}
"""Bold letters are drawn with an outline of so many millimetres, without a second font."""
_FIRST_JOINED = "\u0590"
"""From Hebrew on, a script may run from right to left or join its letters, as emoji do."""


class PdfDocument(FPDF):
    """An A4 document, written from top to bottom; `bytes(document.output())` is the file.

    Any text can be written: a character that no font has is shown by its number, "[U+E000]".
    """

    def __init__(self, title: str, made_at: datetime) -> None:
        """Begin a document with its title as the first heading and on every page."""
        super().__init__(format="A4")
        self.set_creation_date(made_at)
        self.set_title(title)
        self.set_lang("en-GB")
        self.set_margins(20, 18, 20)
        self.set_auto_page_break(auto=True, margin=22)
        # The default weight only: to extract another one takes ten seconds.
        self.add_font("plain", "", FONTS / _PLAIN)
        self._fallbacks: list[str] = []
        # Sections make the outline of the document.
        self.set_section_title_styles(
            *(TextStyle(font_family="plain", font_size_pt=size, color=_BLUE)
              for size in _SIZES.values())
        )  # fmt: skip
        self.set_font("plain", "", _TEXT_SIZE)
        self.add_page()
        self.heading(title, 1)

    def header(self) -> None:
        """Print the marking; fpdf calls it for every page."""
        self._edge(_MARKING)
        self.ln(8)

    def footer(self) -> None:
        """Print the marking, the title and the page number; fpdf calls it for every page."""
        self.set_y(-18)
        # fpdf puts the number of pages in the place of {nb}.
        self._edge(f"{_MARKING} – {self.title} – page {self.page_no()} of {{nb}}")

    def heading(self, text: str, level: int = 2) -> None:
        """Add a heading, on the same page as what follows it."""
        if self.will_page_break(30):
            self.add_page()
        self.ln(1 if level == 1 else 4)
        with self.local_context(text_mode=TextMode.FILL_STROKE, **_BOLD, draw_color=_BLUE):
            self.start_section(self.safe(text), level=level - 1)
        self.ln(1.5)
        self.set_font("plain", "", _TEXT_SIZE)

    def paragraph(self, text: str, *, bold: bool = False, grey: bool = False) -> None:
        """Add a paragraph."""
        self._write(text, bold=bold, grey=grey)
        self.ln(1.5)

    def quotation(self, text: str, label: str = "") -> None:
        """Add a text that a person wrote: indented, with a bar beside it.

        `label` is printed above it, on the same page as its first line. A text that goes on to
        another page has no bar.
        """
        if self.will_page_break(3 * _LINE):
            self.add_page()
        if label:
            self.paragraph(label, grey=True)
        indent = 4
        margin = self.l_margin
        self.set_left_margin(margin + indent)
        self.set_x(margin + indent)
        start, page = self.get_y(), self.page_no()
        self._write(text)
        self.set_left_margin(margin)
        if self.page_no() == page:
            self.set_draw_color(*_BLUE)
            self.set_line_width(0.6)
            self.line(margin + 1, start, margin + 1, self.get_y())
        self.set_x(margin)
        self.ln(2)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Add names and values as a table of two columns without a heading."""
        self.grid(list(rows), widths=(32, 68), first_is_heading=False)

    def grid(
        self,
        rows: Sequence[Sequence[str]],
        *,
        widths: tuple[int, ...],
        first_is_heading: bool = True,
    ) -> None:
        """Add a table; its heading is repeated on every page."""
        if not rows:
            return
        self._shape("".join(text for row in rows for text in row))
        self.set_draw_color(177, 180, 182)
        self.set_line_width(0.2)
        with self.table(
            col_widths=widths,
            first_row_as_headings=first_is_heading,
            headings_style=FontFace(fill_color=(228, 234, 240)),
            line_height=_LINE,
            text_align="LEFT",
            padding=(0.8, 1.5),
            borders_layout="HORIZONTAL_LINES",
        ) as table:
            for row in rows:
                cells = table.row()
                for text in row:
                    cells.cell(self.safe(text))
        self.ln(2)

    def bars(self, rows: Iterable[tuple[str, str, float, bool]]) -> None:
        """Add a chart of bars; a hidden number has a dashed outline instead.

        A row is a label, a number, the length from 0 to 1, and whether the number is hidden.
        """
        label, number, height = 62, 20, 6
        longest = self.epw - label - number
        for text, figure, part, hidden in rows:
            if self.will_page_break(height):
                self.add_page()
            top = self.get_y()
            self.cell(label, height, self.safe(text))
            self.cell(number, height, figure, align="R")
            self.set_line_width(0.2)
            self.set_draw_color(*_GREY)
            self.set_fill_color(*_BLUE)
            left = self.l_margin + label + number + 3
            if hidden:
                self.set_dash_pattern(dash=0.8, gap=0.8)
                self.rect(left, top + 1.2, 8, height - 2.4)
                self.set_dash_pattern()
            elif part:
                self.rect(left, top + 1.2, (longest - 3) * part, height - 2.4, style="F")
            self.set_xy(self.l_margin, top + height)
        self.ln(2)

    def safe(self, text: str) -> str:
        """Return text that can be written, and load the fonts that it needs."""
        return "".join(self._letter(letter) for letter in _tidied(text))

    def _letter(self, letter: str) -> str:
        if letter == "\n" or letter in _letters_of(_PLAIN):
            return letter
        for font in _others():
            if letter in _letters_of(font):
                self._load(font)
                return letter
        # Joiners and variation selectors have no shape of their own.
        unseen = unicodedata.category(letter) == "Cf" or unicodedata.combining(letter)
        return "" if unseen or "\ufe00" <= letter <= "\ufe0f" else f"[U+{ord(letter):04X}]"

    def _shape(self, text: str) -> None:
        """Switch the shaping engine on for scripts that need it; it is slow for the others."""
        self.set_text_shaping(use_shaping_engine=any(letter >= _FIRST_JOINED for letter in text))

    def _load(self, font: str) -> None:
        if font in self._fallbacks:
            return
        self.add_font(font, "", FONTS / font)
        self._fallbacks.append(font)
        self.set_fallback_fonts(self._fallbacks, exact_match=False)

    def _write(self, text: str, *, bold: bool = False, grey: bool = False) -> None:
        self.set_font("plain", "", _TEXT_SIZE)
        self._shape(text)
        self.set_text_color(*(_GREY if grey else _BLACK))
        mode = TextMode.FILL_STROKE if bold else TextMode.FILL
        with self.local_context(text_mode=mode, **_BOLD, draw_color=_BLACK):
            self.multi_cell(
                0, _LINE, self.safe(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )
        self.set_text_color(*_BLACK)

    def _edge(self, text: str) -> None:
        self.set_font("plain", "", 8.5)
        self.set_text_color(*_GREY)
        self.cell(0, 5, text, align="C")
        self.set_text_color(*_BLACK)
        self.set_font("plain", "", _TEXT_SIZE)


def _tidied(text: str) -> str:
    """Show lone surrogates, control characters and direction marks by their numbers.

    Ends of lines are kept, and tabs become spaces.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(
        f"[U+{ord(letter):04X}]" if _is_unwritable(letter) else letter for letter in text
    )


def _is_unwritable(letter: str) -> bool:
    turns = "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"
    odd = unicodedata.category(letter) in {"Cc", "Cs"} and letter != "\n"
    return turns or odd


@cache
def _letters_of(font: str) -> frozenset[str]:
    with TTFont(FONTS / font, lazy=True) as opened:
        return frozenset(map(chr, opened.getBestCmap()))


@cache
def _others() -> tuple[str, ...]:
    """Return the fonts for other scripts, emoji last because that font has digits too."""
    named = sorted(path.name for path in FONTS.glob("NotoSans[A-Z]*.ttf"))
    return (*named, "NotoEmoji[wght].ttf")
