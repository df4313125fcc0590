"""A failing action keeps a child's words out of errors and logs."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from structlog.testing import capture_logs

import actions.answer
import actions.escalate
import actions.offer_topics
import actions.pledge
import actions.signpost
import actions.tell_story
import actions.use_tool
from actions.quiet import quiet
from tests.unit.actions.trackers import tracker

OURS = [
    actions.answer.ActionAnswer,
    actions.escalate.ActionEscalate,
    actions.offer_topics.ActionOfferTopics,
    actions.pledge.ActionPledge,
    actions.tell_story.ActionTellStory,
    actions.use_tool.ActionUseTool,
    actions.signpost.ActionSignpost,
]


class ActionBroken(Action):
    """Fails as a bug would: with the words in its message."""

    def name(self) -> str:
        return "action_broken"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        raise ValueError(tracker.latest_message["text"])


def test_a_failure_is_logged_without_words_and_goes_no_further(dispatcher):
    with capture_logs() as logs:
        assert ActionBroken().run(dispatcher, tracker("my secret", "greet"), {}) == []

    assert logs == [
        {
            "event": "action.failed",
            "action": "action_broken",
            "reason": "ValueError",
            "log_level": "error",
        }
    ]


@pytest.mark.parametrize("action", OURS)
def test_every_action_of_ours_is_quiet(action, dispatcher):
    broken: Any = object()  # no tracker at all: anything an action does with it fails

    assert action().run(dispatcher, broken, {}) == []
