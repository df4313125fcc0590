"""The widget's scripts as they are served: each in one piece with all that it imports.

On a slow connection a module that imports modules that import others costs a journey for each step.
A script for pages of other people's can import nothing at all. There is no build: this happens when
the gateway starts.
"""

from __future__ import annotations

import re
from pathlib import Path

from rjsmin import jsmin

_IMPORT = re.compile(r'^import \{([\w,\s]+)\} from "\./(\w+)\.mjs";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def in_one_piece(path: Path) -> str:
    """A module and all that it imports, each once and in a scope of its own, without comments.

    Raises ValueError for an import or an export that is written in another way than ours, and for
    modules that import each other.
    """
    parts: dict[str, str] = {}
    own = _understood(path, _body(path, parts, ()))
    return str(jsmin("".join([*parts.values(), own])))


def as_classic(script: str) -> str:
    """A script in one piece for a plain tag: it leaves no name on the page."""
    return f'(()=>{{"use strict";{script}\n}})();'


def _body(path: Path, parts: dict[str, str], importers: tuple[str, ...]) -> str:
    """The module with its imports taken from `parts`, where each of them is put first."""
    if path.stem in importers:
        raise ValueError(f"{path.name} imports itself, through {importers[-1]}")
    source = path.read_text(encoding="utf-8")
    for _, name in _IMPORT.findall(source):
        if name not in parts:
            module = path.with_name(f"{name}.mjs")
            parts[name] = _scoped(module, _body(module, parts, (*importers, path.stem)))
    return _IMPORT.sub(r"const {\1} = $\2;\n", source)


def _scoped(path: Path, body: str) -> str:
    names = ", ".join(_EXPORT.findall(body))
    body = _understood(path, _EXPORT.sub("", body))
    return f"const ${path.stem} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"


def _understood(path: Path, body: str) -> str:
    if left := _LEFT.search(body):
        raise ValueError(f"{path.name}: it is not known what this means here: {left[0]}")
    return body
