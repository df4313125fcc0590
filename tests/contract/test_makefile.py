"""What make does again after a change: the real Makefile, and programs that only note calls."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from safeguarding.taxonomy import ROOT

MODEL = "models/lantern.tar.gz"
SOURCES = [
    "pyproject.toml",
    "uv.lock",
    "config.yml",
    "domain.yml",
    "package-lock.json",
    "artifacts/adapter.safetensors",
    "content/help_card.yml",
    "content/choices.yml",
    "content/articles/grooming.md",
    "content/risk/suicide.yml",
    "data/risk/training/suicide.yml",
    "data/nlu/support.yml",
    "data/rules/answers.yml",
]
MADE_BEFORE = [
    ".tools/bin/uv",
    ".venv-services/.synced",
    ".venv-assistant/.synced",
    "staff/console/static/govuk/.built",
]
_MISSING = re.compile(r"No rule to make target '([^']+)'")
FAKE = """\
#!/bin/bash
echo "$*" >>calls
case "$*" in
*export-encoder*) touch models/mpnet.onnx ;;
*export-vectors*) cmp -s learned models/learned.json || cp learned models/learned.json ;;
*train*) touch models/lantern.tar.gz ;;
esac
"""


class Checkout:
    """A folder with the Makefile, the files that it names, and empty environments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "Makefile", folder)
        (folder / "models").mkdir()
        for name in SOURCES:
            self._put(name)
        for name in ("A", "S"):
            for program in ("python", "rasa"):
                path = folder / name / program
                path.parent.mkdir(exist_ok=True)
                path.write_text(FAKE)
                path.chmod(0o755)
        (folder / "learned").write_text("what Rasa learns from")
        while missing := _MISSING.search(self._run("-n").stderr):
            self._put(missing[1])
        self._age()
        for name in MADE_BEFORE:
            self._put(name)
        self.make()

    def _put(self, name: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def _run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "-s", MODEL, "A=A", "S=S", *options],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )

    def _age(self) -> None:
        """Make every file older than what is made from it."""
        before = time.time() - 1000
        for path in self.folder.rglob("*"):
            os.utime(path, (before, before))

    def make(self) -> list[str]:
        """Which commands `make models/lantern.tar.gz` calls: the last words of each."""
        calls = self.folder / "calls"
        calls.unlink(missing_ok=True)
        done = self._run()
        assert done.returncode == 0, done.stderr
        lines = calls.read_text().splitlines() if calls.is_file() else []
        return [line.split()[0] if line.startswith("train") else line.split()[-1] for line in lines]

    def change(self, name: str, *, is_learned: bool = False) -> list[str]:
        """Change this file, and what Rasa learns or not; return what is called."""
        time.sleep(0.02)
        (self.folder / name).write_text(f"changed {time.time()}")
        if is_learned:
            (self.folder / "learned").write_text(f"something else {time.time()}")
        return self.make()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def test_nothing_is_made_twice(checkout: Checkout) -> None:
    assert checkout.make() == []


@pytest.mark.parametrize("name", ["content/risk/suicide.yml", "data/risk/training/suicide.yml"])
def test_a_risk_phrase_or_sentence_does_not_train_rasa(checkout: Checkout, name: str) -> None:
    assert checkout.change(name) == ["export-vectors"]
    assert checkout.make() == []


@pytest.mark.parametrize("name", ["content/risk/suicide.yml", "data/risk/training/suicide.yml"])
def test_one_that_changes_what_rasa_learns_does(checkout: Checkout, name: str) -> None:
    assert checkout.change(name, is_learned=True) == ["export-vectors", "train"]
    assert checkout.make() == []


@pytest.mark.parametrize("name", ["content/help_card.yml", "data/rules/answers.yml", "config.yml"])
def test_what_only_the_model_is_made_of_trains_it_without_new_vectors(
    checkout: Checkout, name: str
) -> None:
    assert checkout.change(name) == ["train"]
    assert checkout.make() == []


def test_an_example_of_an_intent_trains_rasa(checkout: Checkout) -> None:
    assert checkout.change("data/nlu/support.yml", is_learned=True) == ["export-vectors", "train"]


def test_another_adapter_makes_everything_anew(checkout: Checkout) -> None:
    calls = checkout.change("artifacts/adapter.safetensors", is_learned=True)
    assert calls == ["export-encoder", "export-vectors", "train"]
    assert checkout.make() == []


UV = "ops/uv-requirements.txt"


def install_uv(folder: Path) -> int:
    """Run the rule that installs uv, with the packages of this folder alone."""
    alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        ["make", "-s", ".tools/bin/uv"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **alone},
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_a_uv_that_is_not_the_listed_one_is_not_installed(tmp_path: Path) -> None:
    listed = (ROOT / UV).read_text("utf-8")
    [version] = re.findall(r"^uv==(\S+)", listed, re.MULTILINE)
    wheel = tmp_path / f"uv-{version}-py3-none-any.whl"
    info = f"uv-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"uv-{version}.data/scripts/uv", "#!/bin/sh\n")
        file.writestr(f"{info}/RECORD", "")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "ops").mkdir()
    (tmp_path / UV).write_text(listed, "utf-8")

    assert install_uv(tmp_path) != 0
    assert not (tmp_path / ".tools/bin/uv").exists()

    own = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / UV).write_text(f"uv=={version} --hash=sha256:{own}\n", "utf-8")
    assert install_uv(tmp_path) == 0
    assert (tmp_path / ".tools/bin/uv").exists()


def test_uv_is_never_built_from_source_with_what_has_no_hash() -> None:
    listed = (ROOT / UV).read_text("utf-8")

    assert "--only-binary :all:" in listed.splitlines()
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", listed)) == 6
