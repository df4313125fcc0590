"""ActionUseTool: something small that a person can do now, step by step."""

from __future__ import annotations

from actions.action import LanternAction
from actions.article import named_or_all
from actions.turn import LatestTurn


class ActionUseTool(LanternAction):
    """Show the tool that was asked for, or offer all."""

    def name(self) -> str:
        return "action_use_tool"

    def answer(self, turn: LatestTurn) -> None:
        turn.say(named_or_all(turn, turn.content.tools, turn.phrases.which_tool))
