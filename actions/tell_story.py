"""ActionTellStory: an invented story in which a pattern can be seen, and how it ended safely."""

from __future__ import annotations

from actions.pieces import ActionPiece


class ActionTellStory(ActionPiece):
    """Tell the story that was asked for, or offer all."""

    kind = "story"
    offer = "These stories are made up, but things like this do happen. Which one would you like?"

    def name(self) -> str:
        return "action_tell_story"
