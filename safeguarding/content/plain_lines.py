"""YAML as lines that a person can read and compare: nothing left out, nothing in brackets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from safeguarding.content.items import Part


def parts_of(data: Mapping[str, Any]) -> Iterator[Part]:
    """The parts of a document: one a record of its lists, and one for each other key."""
    for key, value in data.items():
        if _are_records(value):
            for number, record in enumerate(value, 1):
                yield from record_parts(record, f"{label(key)} {number}".capitalize())
        else:
            yield Part(label(key), tuple(lines(value)))


def record_parts(record: Mapping[str, Any], otherwise: str) -> Iterator[Part]:
    """One record; its name and its id are the heading, and `otherwise` where it has neither."""
    name, content_id = record.get("name"), record.get("id")
    both = f"{name} ({content_id})" if name and content_id else name or content_id
    rest = {key: value for key, value in record.items() if key not in {"name", "id"}}
    yield from message_parts(str(both or otherwise), rest, tuple(record.get("for_whom") or ()))


def message_parts(
    heading: str, message: Mapping[str, Any], audiences: tuple[str, ...] = ()
) -> Iterator[Part]:
    """A message as it is read: its text by itself, then what comes with it."""
    rest = {key: value for key, value in message.items() if key != "text"}
    if "text" not in message:
        yield Part(heading, tuple(lines(rest)), audiences)
        return
    yield Part(heading, tuple(lines(str(message["text"]))), audiences)
    if rest:
        yield Part(f"{heading}: with it", tuple(lines(rest)), audiences)


def lines(value: Any, above: str = "") -> Iterator[str]:
    """Each value on a line of its own, with the names above it: "hours, weekly, mon: 09:00"."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from lines(inner, f"{above}, {label(key)}" if above else label(key))
        if not value:
            yield _line(above, "all")
    elif _are_words(value):
        yield _line(above, ", ".join(map(_word, value)))
    elif isinstance(value, list):
        for inner in value:
            yield from _entry(inner, above)
    else:
        said = [line.strip() for line in _word(value).splitlines() if line.strip()]
        yield from (_line(above, line) for line in said or [""])


def label(key: object) -> str:
    """A key as words: "near_miss" becomes "near miss"."""
    return str(key).replace("_", " ")


def _entry(value: Any, above: str) -> Iterator[str]:
    """One entry of a list. Only a pattern stays in the notation that its author wrote."""
    if not isinstance(value, Mapping):
        yield _line(above, _word(value))
    elif "name" in value:
        inner = {key: each for key, each in value.items() if key != "name"}
        yield from lines(inner, f"{above}, {value['name']}")
    elif "label" in value:
        more = ", ".join(_word(each) for key, each in value.items() if key != "label")
        yield _line(above, f"{value['label']} ({more})")
    else:
        yield _line(above, "; ".join(f"{label(k)}: {_word(v)}" for k, v in value.items()))


def _line(above: str, text: str) -> str:
    return f"{above}: {text}" if above else text


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if isinstance(value, date) else str(value)


def _are_records(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(v, dict) for v in value)


def _are_words(value: Any) -> bool:
    """A list of single words is read in one line; of sentences, a line each."""
    return isinstance(value, list) and all(
        not isinstance(each, (Mapping, list)) and " " not in str(each) for each in value
    )
