from __future__ import annotations

from safeguarding.risk.assessment import Turn
from safeguarding.risk.dialogues import Conversation
from safeguarding.risk.dialogues import Said as WrittenTurn
from safeguarding.taxonomy import Severity
from scripts.evaluation.assessing import Hearing, Said
from scripts.evaluation.conversations import conversations_report, handed_off, said
from tests.labelled import CONCERN, NONE, URGENT, heard

ANSWER = WrittenTurn(by="assistant", text="Thank you.")


def conversation(
    due: int | None, *texts: str, harmful: bool = True, shape: str = "plain"
) -> Conversation:
    turns = [turn for text in texts for turn in (WrittenTurn(by="user", text=text), ANSWER)]
    return Conversation(
        id="-".join(texts),
        harmful=harmful,
        due=due,
        severity="urgent" if due else "none",
        shape=shape,
        turns=tuple(turns),
    )


def hearing(found: dict[str, Severity], *held: Conversation) -> Hearing:
    return {each: heard(found[each.text]) for whole in held for each in said(whole)}


def test_each_turn_of_the_user_is_heard_after_all_that_was_said_before_it() -> None:
    first, second = said(conversation(2, "one", "two"))

    assert first == Said("one")
    assert second == Said("two", (Turn("user", "one"), Turn("assistant", "Thank you.")))


def test_the_hand_off_is_the_first_urgent_turn() -> None:
    held = conversation(2, "one", "two", "three")
    found = {"one": CONCERN, "two": URGENT, "three": URGENT}

    assert handed_off(held, hearing(found, held)) == 2
    assert handed_off(held, hearing(dict.fromkeys(found, CONCERN), held)) is None


def test_a_hand_off_in_time_early_late_or_without_need() -> None:
    in_time = conversation(2, "calm", "grave")
    early = conversation(2, "grave", "calm", shape="build_up")
    late = conversation(1, "calm", "grave", shape="build_up")
    worry = conversation(None, "calm")
    harmless = conversation(None, "grave", harmful=False, shape="harmless")
    held = [in_time, early, late, worry, harmless]

    report = conversations_report(held, hearing({"calm": NONE, "grave": URGENT}, *held))

    due = report["handed off by the turn it is due"]
    assert (due["hits"], due["of"]) == (2, 3)
    assert report["of these, before that turn"] == 1
    assert report["worry without a due hand-off, handed off"]["hits"] == 0
    assert report["harmless, handed off"]["hits"] == 1
    shapes = report["by"]["shape"]
    assert sorted(shapes) == ["build_up", "harmless", "plain"]
    assert shapes["build_up"]["handed off by the turn it is due"]["of"] == 2
