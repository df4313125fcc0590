"""ActionUseTool: something small that a person can do now, step by step."""

from __future__ import annotations

from actions.pieces import ActionPiece


class ActionUseTool(ActionPiece):
    """Show the tool that was asked for, or offer all."""

    kind = "tool"
    offer = "Here are some things that can help. Which one would you like?"

    def name(self) -> str:
        return "action_use_tool"
