"""Change values of a YAML file and leave every other byte, comments too, as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import yaml

Value: TypeAlias = "str | date | Sequence[Value] | Mapping[str, Value]"


def with_values(text: str, changes: Mapping[str, Value]) -> str:
    """Return a YAML text with other values at keys of its top level.

    Each value is written on one line. Raises KeyError for a key that the text does not have.
    """
    # The loader in Python counts characters; the one in C may count bytes.
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = {key.value: value for key, value in (root.value if root else ())}
    for key in sorted(changes, key=lambda each: -nodes[each].start_mark.index):
        node = nodes[key]
        first, last = node.start_mark.index, node.end_mark.index
        # The mark of a block stands after the empty lines that follow it.
        end = first + len(text[first:last].rstrip())
        text = text[:first] + _written(changes[key]) + text[end:]
    return text


def _written(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(map(_written, value)) + "]"


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(text.encode("utf-8"))
        shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
