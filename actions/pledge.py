"""ActionPledge: the steps of the pledge, by buttons; it is counted without a name."""

from __future__ import annotations

import structlog

from actions.action import LanternAction, LatestTurn
from safeguarding.messages import Message
from storage.pledges import NotCountedError

PLEDGED = "pledged"
logger = structlog.get_logger()


class ActionPledge(LanternAction):
    """Shows the step whose button was pressed; without one, the first.

    Taking the pledge is counted once a conversation. If it cannot be counted, the text is shown all
    the same, and the button may be pressed again.
    """

    def name(self) -> str:
        return "action_pledge"

    def answer(self, turn: LatestTurn) -> None:
        step = turn.entity("pledge")
        turn.say(_taken(turn) if step == "take" else _step(turn, step))


def _step(turn: LatestTurn, step: str | None) -> Message:
    pledge = turn.content.pledge
    if step == "find_out":
        return pledge.find_out(turn.audience)
    if step == "course":
        return pledge.learn()
    if step == "tell":
        return pledge.tell(turn.composition.public_url)
    return pledge.start()


def _taken(turn: LatestTurn) -> Message:
    before = bool(turn.slot(PLEDGED))
    counted = not before and _count(turn)
    if counted:
        turn.remember(PLEDGED, value=True)
    return turn.content.pledge.taken(before=before, counted=counted)


def _count(turn: LatestTurn) -> bool:
    try:
        turn.composition.pledges.add_in_time(turn.composition.now().date())
    except NotCountedError as error:
        logger.warning("pledge.not_counted", reason=str(error))
        return False
    return True
