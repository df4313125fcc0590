"""Further ways to get help: marked on a card with several of them, and never the first buttons."""

from __future__ import annotations

import pytest

from chat.gateway.more_ways import with_more_ways
from safeguarding.messages import Choice, Message
from tests.unit.chat.gateway.conftest import Gateway


def card(*ids: str) -> Message:
    """Return a help card with these buttons."""
    choices = [Choice(id=each, label=each) for each in ids]
    return Message(kind="help_card", text="Thank you.", severity="urgent", choices=choices)


def order(message: Message) -> list[tuple[str, bool]]:
    return [(each["id"], each.get("more", False)) for each in message["choices"]]


def test_further_ways_stand_behind_the_others_and_are_marked() -> None:
    before = card("safe_now", "leave_wish", "not_safe_now", "letterbox_ask", "live_ask", "say_it")

    (after,) = with_more_ways([before])

    assert order(after) == [
        ("safe_now", False),
        ("not_safe_now", False),
        ("live_ask", False),
        ("leave_wish", True),
        ("letterbox_ask", True),
        ("say_it", True),
    ]
    assert not any("more" in each for each in before["choices"])


@pytest.mark.parametrize(
    "message",
    [
        card("safe_now", "leave_wish"),
        card("leave_wish", "letterbox_ask"),
        card("safe_now", "not_safe_now"),
        Message(kind="help_card", text="Call 999 now."),
        {**card("safe_now", "leave_wish", "letterbox_ask"), "kind": "prompt"},
    ],
    ids=["one alone", "nothing else", "none", "no buttons", "not a card"],
)
def test_other_messages_are_as_they_were(message: Message) -> None:
    assert with_more_ways([message]) == [message]


async def test_the_first_card_of_a_conversation_is_marked(gateway: Gateway) -> None:
    shown = (await gateway.say(await gateway.begin(), "i am hurt")).json()["messages"]

    first = next(each for each in shown if each["kind"] == "help_card")
    marked = {each["id"] for each in first["choices"] if each.get("more")}
    assert {"leave_wish", "letterbox_ask"} <= marked
    assert not marked & {"safe_now", "not_safe_now", "cannot_call", "live_ask"}
    assert not first["choices"][0].get("more")
