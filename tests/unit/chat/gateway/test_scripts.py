"""Scripts in one piece: with what they import, each once, and nothing that is not understood."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chat.gateway.pages import as_classic, in_one_piece
from tests.programs import program

COUNTS = "// How often this was read.\nglobalThis.read = (globalThis.read ?? 0) + 1;\n"


def written(folder: Path, **modules: str) -> Path:
    """Write these modules to a folder; return the path of the first."""
    for name, source in modules.items():
        (folder / f"{name}.mjs").write_text(source, encoding="utf-8")
    return folder / f"{next(iter(modules))}.mjs"


def said(script: str) -> str:
    """Return the output of a script."""
    command = [program("node"), "--input-type=module", "--eval", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_script_runs_as_it_does_with_its_modules_apart(tmp_path: Path) -> None:
    start = written(
        tmp_path,
        start="""import { twice } from "./a.mjs";
import {
  Thing,
  name,
} from "./b.mjs";

const own = "own";
console.log(twice(2), new Thing().of, name, own, globalThis.read, await Promise.resolve("done"));
""",
        a='import { name } from "./b.mjs";\nconst own = 1;\n'
        "export function twice(n) { return `${name} ${n * 2 * own}`; }\n",
        b=COUNTS + 'const own = "b";\nexport class Thing { of = own; }\nexport const name = "N";\n',
    )
    apart = subprocess.run(
        [program("node"), start], capture_output=True, text=True, check=True
    ).stdout.strip()

    script = in_one_piece(start)

    assert said(script) == apart == "N 4 b N own 1 done"
    assert "import" not in script
    assert "How often" not in script


def test_a_script_that_is_loaded_later_keeps_what_it_exports(tmp_path: Path) -> None:
    start = written(
        tmp_path,
        start='import { two } from "./other.mjs";\nexport function four() { return two * 2; }\n',
        other="export const two = 2;\n",
    )
    served = tmp_path / "served.mjs"
    served.write_text(in_one_piece(start), encoding="utf-8")

    assert said(f'const {{ four }} = await import("{served}"); console.log(four())') == "4"


def test_a_classic_script_leaves_no_name_behind(tmp_path: Path) -> None:
    start = written(tmp_path, start='import { a } from "./other.mjs";\nconst b = a;\n', other=(
        "export const a = 1;\n"
    ))  # fmt: skip

    script = as_classic(in_one_piece(start))

    assert said(f"{script} console.log(typeof a, typeof b, typeof $other)") == (
        "undefined undefined undefined"
    )


@pytest.mark.parametrize(
    "source",
    [
        'import * as all from "./x.mjs";\n',
        "export default 1;\n",
        "export let changes = 1;\n",
        'export { a } from "./x.mjs";\n',
    ],
)
def test_what_is_written_in_another_way_stops_the_start(tmp_path: Path, source: str) -> None:
    start = written(tmp_path, start='import { a } from "./other.mjs";\n', other=source)

    with pytest.raises(ValueError, match=r"other\.mjs: it is not known"):
        in_one_piece(start)


def test_modules_that_import_each_other_stop_the_start(tmp_path: Path) -> None:
    start = written(
        tmp_path,
        start='import { b } from "./other.mjs";\nexport const a = 1;\n',
        other='import { a } from "./start.mjs";\nexport const b = a;\n',
    )

    with pytest.raises(ValueError, match="imports itself, through other"):
        in_one_piece(start)


def test_a_module_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        in_one_piece(written(tmp_path, start='import { b } from "./other.mjs";\n'))


def test_a_page_s_own_script_is_held_to_the_same(tmp_path: Path) -> None:
    start = written(tmp_path, start='import "./other.mjs";\n', other="1;\n")

    with pytest.raises(ValueError, match=r"start\.mjs: it is not known"):
        in_one_piece(start)
