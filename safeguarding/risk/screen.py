"""Screens messages in bulk: `python -m safeguarding.risk.screen < in.jsonl > out.jsonl`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from safeguarding.risk.engine import RiskEngine, risk_engine


class LineError(Exception):
    """A line that is no message; the text says why, and never quotes it."""

    def __init__(self, why: str, line_id: str | int | None = None) -> None:
        super().__init__(why)
        self.line_id = line_id


def screened(lines: Iterable[bytes], engine: RiskEngine) -> Iterator[dict[str, Any]]:
    """One record a line: the assessment, or `{"id", "error"}` for a line that is no message.

    Each line is `{"id", "text"}`; blank lines are passed over.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            line_id, text = _message(line)
        except LineError as error:
            yield {"id": error.line_id, "error": str(error)}
        else:
            yield {"id": line_id, **engine.assess(text).as_record()}


def _message(line: bytes) -> tuple[str | int | None, str]:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise LineError("the line is not UTF-8") from None
    except (ValueError, RecursionError):
        raise LineError("the line is not JSON") from None
    if not isinstance(record, dict):
        raise LineError("the line is not a JSON object")
    line_id, text = record.get("id"), record.get("text")
    if isinstance(line_id, bool) or not isinstance(line_id, str | int | None):
        raise LineError("`id` is neither a string nor a whole number")
    if not isinstance(text, str):
        raise LineError("`text` is missing or not a string", line_id)
    return line_id, text


def main() -> int:
    """Screen standard input to standard output; a bad line never stops the run."""
    engine = risk_engine()
    for record in screened(sys.stdin.buffer, engine):
        # ASCII: an id may hold half a character that UTF-8 cannot write.
        sys.stdout.write(json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
