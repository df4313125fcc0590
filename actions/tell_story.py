"""ActionTellStory: an invented story in which a pattern can be seen, and how it ended safely."""

from __future__ import annotations

from actions.action import LanternAction
from actions.article import named_or_all
from actions.turn import LatestTurn


class ActionTellStory(LanternAction):
    """Tell the story that was asked for, or offer all."""

    def name(self) -> str:
        return "action_tell_story"

    def answer(self, turn: LatestTurn) -> None:
        turn.say(named_or_all(turn, turn.content.stories, turn.phrases.which_story))
