from __future__ import annotations

from typing import Literal

import pytest

from safeguarding.risk.dialogues import Chat, Line
from scripts.evaluation.chats import chats_report, rendered, said
from tests.labelled import CONCERN, NONE, URGENT, heard

Layout = Literal["names", "times", "whatsapp", "quotes", "me_him", "prose"]
LINES = (
    Line(by="them", text="u on ur own?"),
    Line(by="me", text="yh"),
    Line(by="them2", text="lol"),
)
HANDLES = {"me": "k1ra", "them": "dan_07", "them2": "zed"}


def chat(
    layout: Layout = "names",
    severity: Literal["none", "concern", "urgent"] = "urgent",
    lines: tuple[Line, ...] = LINES,
    name: str = "c",
) -> Chat:
    return Chat(
        id=name,
        harmful=severity != "none",
        severity=severity,
        categories=("grooming",) if severity != "none" else (),
        layout=layout,
        handles=HANDLES,
        lines=lines,
    )


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("names", "dan_07: u on ur own?\nk1ra: yh\nzed: lol"),
        ("times", "[21:04] dan_07: u on ur own?\n[21:05] k1ra: yh\n[21:06] zed: lol"),
        (
            "whatsapp",
            "12/03/2026, 21:04 - dan_07: u on ur own?\n12/03/2026, 21:05 - k1ra: yh\n"
            "12/03/2026, 21:06 - zed: lol",
        ),
        ("quotes", "> u on ur own?\nyh\n> lol"),
        ("me_him", "him: u on ur own?\nme: yh\nher: lol"),
        ("prose", "u on ur own?\nyh\nlol"),
    ],
)
def test_a_chat_is_pasted_in_its_layout(layout: Layout, text: str) -> None:
    assert rendered(chat(layout)) == text


def test_speakers_without_a_handle_have_a_name_all_the_same() -> None:
    nameless = Chat(id="c", harmful=False, severity="none", layout="names", lines=LINES)

    assert rendered(nameless) == "alex: u on ur own?\nme: yh\nsam: lol"


def test_a_long_evening_goes_past_midnight() -> None:
    last = rendered(chat("times", lines=LINES * 60)).splitlines()[-1]

    assert last.startswith("[00:03] ")


def test_recall_and_false_alarms_of_chats() -> None:
    urgent, mild = chat("quotes"), chat("prose", "concern")
    quiet, loud = chat("names", "none"), chat("me_him", "none")
    hearing = {
        said(urgent): heard(CONCERN),
        said(mild): heard(URGENT),
        said(quiet): heard(NONE),
        said(loud): heard(CONCERN),
    }

    report = chats_report([urgent, mild, quiet, loud], hearing)

    def hits(name: str) -> tuple[int, int]:
        return report[name]["hits"], report[name]["of"]

    assert hits("harmful, at least concern") == (2, 2)
    assert hits("due urgent, at least urgent") == (0, 1)
    assert hits("harmless, at least urgent") == (0, 2)
    assert hits("harmless, at least concern") == (1, 2)
    assert sorted(report["by"]["layout"]) == ["me_him", "names", "prose", "quotes"]
    assert report["by"]["category"]["grooming"]["chats"] == 2
    assert report["by"]["length"]["up to 8 lines"]["chats"] == 4
