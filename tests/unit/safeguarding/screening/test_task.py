"""A task survives the way to the screening process."""

from __future__ import annotations

import io

import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Turn
from safeguarding.screening.frames import packed, read_frame
from safeguarding.screening.task import BEGINNING, ScreeningTask
from safeguarding.taxonomy import Severity

WHOLE = ScreeningTask(
    "no \N{PILE OF POO}",
    (Turn("user", "hi"), Turn("assistant", "Are you safe?")),
    ConversationState(
        severity=Severity.URGENT,
        need="self_harm",
        categories=("self_harm",),
        cards={"self_harm": Severity.URGENT},
        asked="safe_now",
        facts=("pictures",),
        said=("block",),
    ),
    is_answered=False,
)


@pytest.mark.parametrize("task", [WHOLE, ScreeningTask("hello"), ScreeningTask("")])
def test_comes_out_of_a_frame_as_it_was(task: ScreeningTask) -> None:
    frame = read_frame(io.BytesIO(packed(task.as_record())))

    assert frame is not None
    assert ScreeningTask.from_record(frame) == task


def test_begins_a_conversation_where_nothing_else_is_said() -> None:
    task = ScreeningTask("hello")

    assert (task.before, task.state, task.is_answered) == ((), BEGINNING, True)


@pytest.mark.parametrize("missing", ["text", "before", "state", "is_answered"])
def test_a_record_that_lacks_something_is_refused(missing: str) -> None:
    record = WHOLE.as_record()
    del record[missing]

    with pytest.raises(KeyError):
        ScreeningTask.from_record(record)
