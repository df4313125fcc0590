from __future__ import annotations

from typing import Literal

import pytest

from lab.evaluation.assessing import Results, TimedMessage
from lab.evaluation.dialogues import (
    chats_report,
    conversations_report,
    handed_off,
    pasted,
    rendered,
    turns,
)
from lab.tests.labelled import result
from safeguarding.corpus import (
    Chat,
    LabelledChatLine,
    LabelledConversation,
    WrittenTurn,
)
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from tests.labelled import CONCERN, NONE, URGENT

Layout = Literal["names", "times", "whatsapp", "quotes", "me_him", "prose"]
LINES = (
    LabelledChatLine(by="them", text="u on ur own?"),
    LabelledChatLine(by="me", text="yh"),
    LabelledChatLine(by="them2", text="lol"),
)
HANDLES = {"me": "k1ra", "them": "dan_07", "them2": "zed"}


def chat(
    layout: Layout = "names",
    severity: Literal["none", "concern", "urgent"] = "urgent",
    lines: tuple[LabelledChatLine, ...] = LINES,
    name: str = "c",
) -> Chat:
    return Chat(
        id=name,
        writer="w",
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
    nameless = Chat(id="c", writer="w", harmful=False, severity="none", layout="names", lines=LINES)

    assert rendered(nameless) == "alex: u on ur own?\nme: yh\nsam: lol"


def test_times_in_a_chat_go_past_midnight() -> None:
    last = rendered(chat("times", lines=LINES * 60)).splitlines()[-1]

    assert last.startswith("[00:03] ")


def test_recall_and_false_alarms_of_chats() -> None:
    urgent, mild = chat("quotes"), chat("prose", "concern")
    quiet, loud = chat("names", "none"), chat("me_him", "none")
    results = {
        pasted(urgent): result(CONCERN),
        pasted(mild): result(URGENT),
        pasted(quiet): result(NONE),
        pasted(loud): result(CONCERN),
    }

    report = chats_report([urgent, mild, quiet, loud], results)

    def hits(name: str) -> tuple[int, int]:
        return report[name]["hits"], report[name]["of"]

    assert hits("harmful, at least concern") == (2, 2)
    assert hits("due urgent, at least urgent") == (0, 1)
    assert hits("harmless, at least urgent") == (0, 2)
    assert hits("harmless, at least concern") == (1, 2)
    assert sorted(report["by"]["layout"]) == ["me_him", "names", "prose", "quotes"]
    assert report["by"]["category"]["grooming"]["chats"] == 2
    assert report["by"]["length"]["up to 8 lines"]["chats"] == 4


ANSWER = WrittenTurn(by="assistant", text="Thank you.")


def conversation(
    due: int | None, *texts: str, harmful: bool = True, shape: str = "plain"
) -> LabelledConversation:
    turns = [turn for text in texts for turn in (WrittenTurn(by="user", text=text), ANSWER)]
    return LabelledConversation(
        id="-".join(texts),
        writer="w",
        harmful=harmful,
        due=due,
        severity="urgent" if due else "none",
        shape=shape,
        turns=tuple(turns),
    )


def results(found: dict[str, Severity], *held: LabelledConversation) -> Results:
    return {each: result(found[each.text]) for whole in held for each in turns(whole)}


def test_each_turn_of_the_user_is_assessed_with_all_turns_before_it() -> None:
    first, second = turns(conversation(2, "one", "two"))

    assert first == TimedMessage("one")
    assert second == TimedMessage("two", (Turn("user", "one"), Turn("assistant", "Thank you.")))


def test_the_hand_off_is_the_first_urgent_turn() -> None:
    held = conversation(2, "one", "two", "three")
    found = {"one": CONCERN, "two": URGENT, "three": URGENT}

    assert handed_off(held, results(found, held)) == 2
    assert handed_off(held, results(dict.fromkeys(found, CONCERN), held)) is None


def test_a_hand_off_in_time_early_late_or_without_need() -> None:
    in_time = conversation(2, "calm", "grave")
    early = conversation(2, "grave", "calm", shape="build_up")
    late = conversation(1, "calm", "grave", shape="build_up")
    worry = conversation(None, "calm")
    harmless = conversation(None, "grave", harmful=False, shape="harmless")
    held = [in_time, early, late, worry, harmless]

    report = conversations_report(held, results({"calm": NONE, "grave": URGENT}, *held))

    due = report["handed off by the turn it is due"]
    assert (due["hits"], due["of"]) == (2, 3)
    assert report["of these, before that turn"] == 1
    assert report["worry without a due hand-off, handed off"]["hits"] == 0
    assert report["harmless, handed off"]["hits"] == 1
    shapes = report["by"]["shape"]
    assert sorted(shapes) == ["build_up", "harmless", "plain"]
    assert shapes["build_up"]["handed off by the turn it is due"]["of"] == 2
