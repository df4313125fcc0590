"""The opening: what Lantern says of itself before a person has typed anything."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Literal, cast

import msgspec

from safeguarding.content.help_card import misnamed_buttons
from safeguarding.content.wording import word_count
from safeguarding.messages import Choice, Message
from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import CONTENT

MOST_WORDS = 60


class OpeningRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of the opening as the file holds it: already the message that is shown."""

    kind: Literal["text", "prompt"]
    text: str
    choices: list[Choice] = []


def opening() -> list[Message]:
    """The first messages of every conversation. Raises ContentError."""
    return deepcopy(read_opening())


@cache
def read_opening(path: Path = CONTENT / "opening.yml") -> list[Message]:
    """Read the opening once per process. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    records, problems = document.convert_each(OpeningRecord, "messages")
    for index, record in enumerate(records if not problems else []):
        where = ("messages", index)
        problems += misnamed_buttons(document, record.choices, *where)
        if (length := word_count(record.text)) > MOST_WORDS:
            what = f"{length} words; at most {MOST_WORDS}"
            problems.append(document.problem(what, *where, "text"))
    if problems:
        raise ContentError(problems)
    return cast("list[Message]", document.data["messages"])
