"""A small content folder of a test's own, and decisions on it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from safeguarding.content.items import Block, Item
from safeguarding.content.reader import Content, read_content
from safeguarding.content.signing import ApprovalDecision, Decided
from safeguarding.taxonomy import ROOT

TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
ANSWER = """\
---
id: consent
title: What is consent?
about: what consent means
sources:
  - title: Sex and consent
    publisher: Childline
    url: "https://www.childline.org.uk/"
    date: "2024"
    read_on: 2026-11-25
reviewed_on: 2026-11-25
review_due: 2027-05-25
approved_by: null
related: [pledge]
contacts: {young_person: [childline]}
---
## young_person

Consent means you both really want to.

What you can do:
- Check with the other person.
- Stop if you are not sure.

## parent

Consent has to be given each time.

What you can do:
- Keep talking with your child.
- Keep your voice calm.
"""
RISK = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
entries:
  - id: grooming-secret
    severity: urgent
    match: ["it is our secret"]
    near_miss: ["a secret santa"]
"""


@cache
def real_content() -> Content:
    """Return the content that ships, read once for all tests."""
    return read_content()


def content_folder(folder: Path) -> Path:
    """Write one answer, one file of the screen and the domain; what else belongs is missing."""
    for name, file, text in (("articles", "consent.md", ANSWER), ("risk", "grooming.yml", RISK)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(text, "utf-8")
    shutil.copy(ROOT / "domain.yml", folder.parent)
    return folder


def item(content_id: str = "answer:consent", text: str = "Both want to.") -> Item:
    """Return an item with one line that a test may change."""
    return Item(
        id=content_id,
        title="What is consent?",
        blocks=(
            Block("What is said", (text, "Being quiet is not a yes."), ("young_person",)),
            Block("Sources", ("Childline",)),
        ),
        reviewed_on=TODAY,
        review_due=date(2027, 5, 25),
    )


def undated(content_id: str = "help_card") -> Item:
    """Return an item whose file names no dates."""
    return replace(item(content_id), reviewed_on=None, review_due=None)


def decided(
    what: Item,
    by: str = "ann",
    decision: ApprovalDecision = ApprovalDecision.APPROVED,
    days_ago: int = 0,
) -> Decided:
    """Return a decision on the words of an item."""
    at = NOON - timedelta(days=days_ago)
    return Decided(what.id, what.digest, decision, by, by.capitalize(), "lead", at, "")
