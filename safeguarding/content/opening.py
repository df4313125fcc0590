"""The opening: the first messages of every conversation, from its file and nothing else."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Literal, cast

import msgspec

from safeguarding.content.articles.sections import word_count
from safeguarding.content.choices import Choices, misnamed_buttons
from safeguarding.messages import Choice, Message
from safeguarding.records import ContentError, read_yaml

MOST_WORDS = 60


class OpeningRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of the opening as the file holds it: already the message that is shown."""

    kind: Literal["text", "prompt"]
    text: str
    choices: list[Choice] = []


class Opening:
    """The first messages of every conversation."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def messages(self) -> list[Message]:
        """A copy that may be changed."""
        return deepcopy(self._messages)


def read_opening(path: Path, choices: Choices) -> Opening:
    """The opening of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    records, problems = document.convert_each(OpeningRecord, "messages")
    for index, record in enumerate(records if not problems else []):
        where = ("messages", index)
        problems += misnamed_buttons(document, record.choices, choices, *where)
        if (length := word_count(record.text)) > MOST_WORDS:
            what = f"{length} words; at most {MOST_WORDS}"
            problems.append(document.problem(what, *where, "text"))
    if problems:
        raise ContentError(problems)
    return Opening(cast("list[Message]", document.data["messages"]))
