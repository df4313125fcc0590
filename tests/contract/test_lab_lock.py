"""The lab measures the product with the product's own versions of shared packages."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import tomllib

from safeguarding.taxonomy import ROOT

ONLY_RASA = {"matplotlib", "regex", "scikit-learn", "scipy"}
"""Packages that nothing of the product but Rasa needs, in old versions."""


def versions(lock: Path) -> dict[str, set[str]]:
    """Return the versions in a uv.lock by package; a package may have several."""
    found = defaultdict(set)
    for package in tomllib.loads(lock.read_text("utf-8"))["package"]:
        if "registry" in package["source"]:
            found[package["name"]].add(package["version"])
    return found


def registries(lock: Path) -> set[str]:
    packages = tomllib.loads(lock.read_text("utf-8"))["package"]
    return {each["source"]["registry"] for each in packages if "registry" in each["source"]}


def test_packages_that_both_locks_hold_have_the_same_versions() -> None:
    product, lab = versions(ROOT / "uv.lock"), versions(ROOT / "lab" / "uv.lock")
    shared = product.keys() & lab.keys()

    assert {"numpy", "onnxruntime", "spacy", "sqlalchemy", "tokenizers"} <= shared
    assert [name for name in shared - ONLY_RASA if not lab[name] <= product[name]] == []


def test_both_locks_name_the_public_registry() -> None:
    for lock in (ROOT / "uv.lock", ROOT / "lab" / "uv.lock"):
        assert registries(lock) == {"https://pypi.org/simple"}
