"""Input and output of commands in lines of JSON: one object a line, each with its `id`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click

LineId = str | int | None


class LineError(Exception):
    """A line that a command cannot accept. The message never quotes the line."""

    def __init__(self, why: str, line_id: LineId = None) -> None:
        super().__init__(why)
        self.line_id = line_id

    def as_record(self) -> dict[str, Any]:
        """Return the output for such a line: `{"id", "error"}`; an unreadable id is null."""
        return {"id": self.line_id, "error": str(self)}


@dataclass(frozen=True)
class InputLine:
    """One object of the input, with its other fields unchecked."""

    id: LineId
    fields: dict[str, Any]

    @classmethod
    def read(cls, line: bytes) -> InputLine:
        """Parse a line of UTF-8. Raises LineError."""
        try:
            fields = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise LineError("the line is not UTF-8") from None
        except (ValueError, RecursionError):
            raise LineError("the line is not JSON") from None
        if not isinstance(fields, dict):
            raise LineError("the line is not a JSON object")
        line_id = fields.pop("id", None)
        if isinstance(line_id, bool) or not isinstance(line_id, str | int | None):
            raise LineError("`id` is neither a string nor a whole number")
        return cls(line_id, fields)

    def text(self) -> str:
        """Return the field `text`. Raises LineError."""
        text = self.fields.get("text")
        if not isinstance(text, str):
            raise self.error("`text` is missing or not a string")
        return text

    def error(self, why: str) -> LineError:
        """Return an error with the id of this line, to raise."""
        return LineError(why, self.id)


def standard_input() -> Iterator[bytes]:
    """Return the lines of standard input that are not blank, each as it arrives."""
    return not_blank(sys.stdin.buffer)


def not_blank(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines that hold more than white space."""
    return (line for line in lines if line.strip())


def write(record: dict[str, Any]) -> None:
    """Print one object on standard output at once.

    In ASCII: an id or a text may hold half a character that UTF-8 cannot write.
    """
    click.echo(json.dumps(record))
