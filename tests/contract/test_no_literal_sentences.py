"""Every sentence that a person reads stands in content/: none is a literal of the code.

What a sentence is, `is_sentence` says; in the widget's pages every text counts, and in its scripts
a label of two words too. Left out are texts for whoever runs or changes the programs: docstrings,
errors that are raised, problems of files, the log, figures, SQL, patterns, and command lines with
what they print. Modules that speak to staff are named in FOR_STAFF, each with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from safeguarding.taxonomy import ROOT

ROOMS = ("actions", "bot", "chat", "safeguarding", "staff", "storage", "web")
FOR_STAFF = {
    "staff/console/wording.py": "what the console says to staff stands here and in templates",
    "staff/cases/wording.py": "what the console says about cases to staff",
    "staff/rota/page.py": "what the rota says to staff",
    "staff/reports/figures_wording.py": "what the figures say to staff",
    "staff/reports/case_file_wording.py": "what exported files and their pages say to staff",
    "safeguarding/artifacts.py": "the head of the manifest",
    "safeguarding/content/reader.py": "titles of the kinds, for those who sign them",
    "safeguarding/content/chat_signs.py": "the title of its kind, for those who sign it",
    "safeguarding/content/articles.py": "headings for those who sign",
    "safeguarding/content/article_file.py": "markers of a file",
}
FOR_OPERATORS = {
    "problem", "Problem", "ContentError",
    "debug", "info", "warning", "error", "critical", "exception",
    "Counter", "Gauge", "Histogram", "counter", "gauge", "gauges",
    "execute", "exec_driver_sql", "compile",
    "ArgumentParser", "add_argument",
}  # fmt: skip
"""Calls whose texts no visitor reads: problems of files, the log, figures, SQL, patterns, and
command lines."""
TERMINAL = {"sys.stdout.write", "sys.stderr.write"}
CLICK = re.compile(r"^import click$", re.MULTILINE)
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
FILLED_IN = "…"
"""Stands for what an f-string or a template of JavaScript fills in."""
JS_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL
)
JS_FILLED_IN = re.compile(r"\$\{([^}]*)\}")
SHOWN_ATTRIBUTES = {"alt", "aria-description", "aria-label", "placeholder", "title"}
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def is_sentence(text: str) -> bool:
    """Return whether three or more words begin with a capital or end in a full stop, ? or !."""
    plain = re.sub(r"<[^>]*>", " ", text).strip().rstrip("\"'”’)")
    if len(WORD.findall(plain)) < 3 or " " not in plain or "\\" in plain:
        return False
    return plain[0].isupper() or plain.endswith((".", "?", "!"))


def is_label(text: str) -> bool:
    """Return whether it is a sentence, or two words or more that begin with a capital."""
    return is_sentence(text) or bool(re.match(r"[A-Z][a-z]+ [^\W\d_]", text))


def sentences_in(root: Path) -> list[str]:
    """Each sentence in the rooms below `root`, as "file:line: sentence"."""
    found = []
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if path.name != "__main__.py" and not CLICK.search(source):
                found += [(path, *each) for each in in_python(source)]
    for path in sorted((root / "chat/widget").iterdir()):
        if path.suffix in {".js", ".mjs"}:
            found += [(path, *each) for each in in_script(path.read_text(encoding="utf-8"))]
        if path.suffix == ".html":
            found += [(path, *each) for each in in_page(path.read_text(encoding="utf-8"))]
    places = [(path.relative_to(root).as_posix(), line, text) for path, line, text in found]
    return [f"{file}:{line}: {text}" for file, line, text in places if file not in FOR_STAFF]


def in_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a module, each with its line."""
    yield from _in_node(ast.parse(source))


def in_script(source: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences and labels among the strings of a script, each with its line."""
    for match in JS_TEXT.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        if match[0].startswith("/"):
            continue
        text = match[0][1:-1]
        if match[0].startswith("`"):
            for inner in JS_FILLED_IN.findall(text):
                yield from ((line, each) for _, each in in_script(inner))
            text = JS_FILLED_IN.sub(FILLED_IN, text)
        if is_label(text):
            yield line, text


def in_page(source: str) -> Iterator[tuple[int, str]]:
    """Every text of a page that its template does not fill in, each with its line."""
    parser = _Texts()
    parser.feed(JINJA.sub(FILLED_IN, source))
    yield from parser.found


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES:
                self.handle_data(value or "")

    def handle_data(self, data: str) -> None:
        if WORD.search(data):
            self.found.append((self.getpos()[0], data.strip()))


def _in_node(node: ast.AST) -> Iterator[tuple[int, str]]:
    if _is_for_operators(node):
        return
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        text = _text(node)
        if is_sentence(text):
            yield node.lineno, text
        if isinstance(node, ast.Constant):
            return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _in_node(child)


def _is_for_operators(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in TERMINAL or called.split(".")[-1] in FOR_OPERATORS
    return False


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else FILLED_IN for part in node.values
    )


def test_no_room_holds_a_sentence_of_its_own() -> None:
    assert sentences_in(ROOT) == []


@pytest.mark.parametrize("file", FOR_STAFF)
def test_every_exception_is_needed(file: str) -> None:
    assert list(in_python((ROOT / file).read_text(encoding="utf-8")))


def planted(root: Path, file: str, text: str) -> list[str]:
    """Return what is found in a tree of which one file holds this text."""
    (root / "chat/widget").mkdir(parents=True)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text, encoding="utf-8")
    return sentences_in(root)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("actions/say.py", 'TEXT = "Sorry, that did not work."'),
        ("actions/say.py", "dispatcher.utter_message(f'You can call {name}')"),
        ("bot/channel.py", 'def f(x):\n    return x or "please try that again?"'),
        ("safeguarding/a/b.py", 'WORDS = {"none": ["What you can do"]}'),
        ("safeguarding/a/b.py", "x = f'{y and \"We look after you\"}'"),
        ("web/http.py", "page = f'<p>It is our fault, not {whose}</p>'"),
        ("chat/gateway/api.py", 'return refused(429, detail="Please wait a minute.")'),
        ("chat/widget/a.mjs", 'make("p", "", "Send again");'),
        ("chat/widget/a.mjs", "const a = `Press Shift ${left} more times`;"),
        ("chat/widget/a.js", "const a = `${open ? 'Open now' : ''}`; // a note"),
        ("chat/widget/a.html", "<p>{{ phrases.a }} Hello</p>"),
        ("chat/widget/a.html", '<section aria-label="Help"></section>'),
    ],
)
def test_a_sentence_that_somebody_adds_is_found(tmp_path: Path, file: str, text: str) -> None:
    (found,) = planted(tmp_path, file, text)

    assert found.startswith(f"{file}:")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("actions/say.py", '"""What this module does for people."""\nX = 1\n"""What X is for."""'),
        ("actions/say.py", 'raise ValueError(f"There is no {name} here.")'),
        ("bot/a.py", 'log.error("The server did not answer.")'),
        ("safeguarding/a.py", 'NAME = re.compile("The (?:first|second) line.")'),
        ("safeguarding/a.py", 'yield document.problem("No such button is known.")'),
        ("safeguarding/a.py", 'sys.stdout.write("It is all done.")'),
        ("safeguarding/__main__.py", 'fail("There is no such account.")'),
        ("safeguarding/a.py", 'import click\n\nWHY = "There is no such account."'),
        ("web/a.py", 'HEADER = "camera=(), microphone=(), geolocation=()"'),
        ("chat/widget/a.mjs", '// What this is for.\nmake("p", "button button--choice", words);'),
        ("chat/widget/a.mjs", "const headers = { Authorization: `Bearer ${token}` };"),
        ("chat/widget/a.html", '<meta name="viewport" content="width"><p>{{ phrases.a }} 999</p>'),
    ],
)
def test_what_no_visitor_reads_is_left_alone(tmp_path: Path, file: str, text: str) -> None:
    assert planted(tmp_path, file, text) == []
