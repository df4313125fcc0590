from __future__ import annotations

import pytest

from lab.evaluation.aims import Aim, message_aims, other_aims
from lab.evaluation.measures import Share
from lab.tests.labelled import case, result
from tests.labelled import CONCERN, IMMEDIATE, NONE, URGENT


@pytest.mark.parametrize(
    ("hits", "of", "value", "at_least", "met", "sure"),
    [
        (990, 1000, 0.95, True, True, True),
        (96, 100, 0.95, True, True, False),
        (94, 100, 0.95, True, False, False),
        (50, 100, 0.95, True, False, True),
        (0, 1000, 0.01, False, True, True),
        (0, 100, 0.01, False, True, False),
        (10, 100, 0.01, False, False, True),
        (2, 100, 0.01, False, False, False),
    ],
)
def test_an_aim_is_met_and_surely_so_when_the_interval_agrees(
    hits: int, of: int, value: float, at_least: bool, met: bool, sure: bool
) -> None:
    record = Aim("a", "b", value, Share(hits, of).record(), at_least=at_least).record()

    assert (record["met"], record["sure"]) == (met, sure)


@pytest.mark.parametrize("measured", [None, Share(0, 0).record()])
def test_an_aim_that_nothing_was_measured_for_is_neither_met_nor_missed(
    measured: dict[str, object] | None,
) -> None:
    record = Aim("a", "b", 0.5, measured).record()

    assert (record["met"], record["sure"], record["measured"]) == (None, None, None)


def test_each_aim_of_messages_is_measured_on_its_own_kind() -> None:
    test = [
        case(URGENT, URGENT),
        case(IMMEDIATE, NONE),
        case(URGENT, NONE, voice="parent"),
        case(CONCERN, CONCERN, named=("bullying",)),
        case(NONE, URGENT, kind="near_miss", near=("suicide",)),
        case(NONE, CONCERN, kind="question", near=("suicide",)),
        case(NONE, NONE, kind="food"),
    ]

    found = {aim.name: aim.measured for aim in message_aims(test)}

    counts = [(share["hits"], share["of"]) for share in found.values() if share]
    assert counts == [(1, 2), (0, 1), (0, 1), (2, 4), (1, 1), (1, 1), (0, 1), (0, 1), (1, 2)]


def test_the_other_aims_come_from_their_sections() -> None:
    whole = Share(9, 10).record()
    report = {
        "conversations": {"test": {
            "handed off by the turn it is due": whole,
            "harmless, handed off": Share(1, 10).record(),
        }},
        "topics": {},
        "everyday": {
            "all": {"at least urgent": Share(1, 50).record(), "immediate": Share(0, 50).record()},
            "by length": {"over 40 words": {"at least urgent": Share(1, 50).record()}},
            "chats handed off": Share(1, 10).record(),
        },
        "obfuscation": {
            "plain": whole,
            "disguises": {"leet": {"recognised": Share(8, 10).record()}},
        },
        "chats": {"test": {
            "harmful, at least concern": whole,
            "harmless, at least concern": whole,
        }},
    }  # fmt: skip

    aims = {
        (aim.name, aim.where): aim.record()
        for aim in other_aims([result(NONE)], [result(URGENT)], report)
    }

    met = {name: record["met"] for (name, _), record in aims.items()}
    assert met["harmless conversations handed off"] is False
    assert met["conversations: hand-off by the turn it is due"] is False
    assert met["topic right first"] is None
    assert met["disclosures in leet disguise: recognised as plain"] is False
    assert met["pasted chats, harmful: recognised as at least concern"] is True
    assert met["real everyday text wrongly urgent"] is False
    assert met["real everyday text wrongly immediate"] is True
    assert met["real long text wrongly urgent"] is True
    assert met["harmless chats of ten messages handed off"] is False
    assert met["ordinary talk wrongly urgent"] is False
    assert met["questions in general wrongly urgent"] is True
