"""A failing action keeps a child's words out of errors and logs."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from actions.action import LanternAction
from actions.content import (
    ActionAnswer,
    ActionAnswerNext,
    ActionOfferTopics,
    ActionPledge,
    ActionTellStory,
    ActionUseTool,
)
from actions.help import ActionAboutChat, ActionEscalate, ActionGuide, ActionSignpost
from safeguarding.answering.turn import LatestTurn
from tests.unit.actions.trackers import URGENT, tracker

OURS = [
    ActionAboutChat,
    ActionAnswer,
    ActionAnswerNext,
    ActionEscalate,
    ActionGuide,
    ActionOfferTopics,
    ActionPledge,
    ActionSignpost,
    ActionTellStory,
    ActionUseTool,
]


class ActionBroken(LanternAction):
    """Fails as a bug would: with the words in its message, after a first one was said."""

    def name(self) -> str:
        return "action_broken"

    def answer(self, turn: LatestTurn) -> None:
        turn.say({"kind": "text", "text": "Hello"})
        raise ValueError(turn.text)


def test_a_failure_is_logged_without_words_and_goes_no_further(dispatcher, composed):
    with capture_logs() as logs:
        assert ActionBroken(composed).run(dispatcher, tracker("my secret", "greet"), {}) == []

    assert logs == [
        {
            "event": "action.failed",
            "action": "action_broken",
            "reason": "ValueError",
            "log_level": "error",
        }
    ]


def test_what_was_said_before_a_failure_is_shown(dispatcher, composed):
    ActionBroken(composed).run(dispatcher, tracker("my secret", "greet"), {})

    assert [message["custom"]["text"] for message in dispatcher.messages] == ["Hello"]


@pytest.mark.parametrize("action", OURS)
def test_a_state_that_makes_no_sense_stays_out_of_the_log(action, dispatcher, composed):
    told = tracker("my secret", "disclose_urgent", assessment=URGENT)
    told.latest_message["metadata"] = {"state": {"severity": "my secret"}}

    with capture_logs() as logs:
        assert action(composed).run(dispatcher, told, {}) == []

    assert "my secret" not in repr(logs)


@pytest.mark.parametrize("action", OURS)
def test_every_action_of_ours_is_quiet(action, dispatcher, composed):
    broken: object = object()  # no tracker at all: anything an action does with it fails

    assert action(composed).run(dispatcher, broken, {}) == []


def test_an_action_asks_the_process_for_what_it_was_not_given(dispatcher):
    ActionSignpost().run(dispatcher, tracker("help", "ask_talk_to_someone"), {})

    assert [message["custom"]["kind"] for message in dispatcher.messages] == ["contacts"]


def test_with_wrong_settings_an_action_says_nothing_and_the_log_says_why(
    dispatcher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LANTERN_GATEWAY_PORT", "none")

    with capture_logs() as logs:
        assert ActionSignpost().run(dispatcher, tracker("help", "greet"), {}) == []

    assert (dispatcher.messages, logs[0]["reason"]) == ([], "SettingsError")
