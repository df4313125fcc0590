"""A lexicon of a few rules and its engine: the whole one takes a second or two to load."""

from __future__ import annotations

import pytest

from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_lexicon

HEAD = (
    "provenance: {owner: DSL, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}\n"
)
FILES = {
    "words": "push: [push, shove]\n",
    "combinations": HEAD + "entries: []\n",
    "bullying": f"""\
{HEAD}entries:
  - id: bullying-push
    severity: concern
    subject: self
    phrases: [they push me]
    match: [they push me, they pushed me]
    near_miss: [push the door, a push]
""",
    "missing": f"""\
{HEAD}entries:
  - id: missing-ran-away
    severity: urgent
    phrases: [i ran away]
    match: [i ran away, so i ran away]
    near_miss: [they push me so i ran, the dog ran away]
""",
    "harmless": f"""\
{HEAD}entries:
  - id: harmless-push-day
    phrases: [push day]
    match: [push day at the gym]
""",
    "cues": f"""\
{HEAD}entries:
  - id: cue-night
    phrases: [at night]
    match: [he comes at night]
    near_miss: [in the night]
""",
}


@pytest.fixture(scope="session")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    folder = tmp_path_factory.mktemp("lexicon")
    (folder / "expansions.yml").write_bytes((LEXICON / "expansions.yml").read_bytes())
    for name, text in FILES.items():
        (folder / f"{name}.yml").write_text(text, "utf-8")
    return read_lexicon(folder)


@pytest.fixture(scope="session")
def engine(lexicon: Lexicon) -> RiskEngine:
    return RiskEngine(lexicon)
