"""Rows hold no words in the clear."""

from __future__ import annotations

from dataclasses import replace

from safeguarding.escalations.rows import sealed_row
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from tests.records import SECRECY, assessment, escalation, vault


def test_a_row_holds_nobodys_words() -> None:
    secret = "SECRET"
    told = escalation(
        text=secret,
        turns_before=(Turn("user", secret),),
        shown=(secret,),
        # Not the person's own words, but so near that they tell them.
        assessment=assessment(Severity.CONCERN, replace(SECRECY, like=(secret,))),
    )

    assert secret not in str(sealed_row(told, vault()))


def test_each_cell_is_sealed_for_its_own_place() -> None:
    row = sealed_row(escalation(text="[]", turns_before=(), shown=()), vault())

    opened = vault().open(row["shown"], table="escalations", row="m1", column="shown")
    assert opened == "[]"
