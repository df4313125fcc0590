"""Rows hold no words unencrypted."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity
from staff.cases.tables import facts_of, opened_row, sealed_row
from storage.vault import VaultError
from tests.records import CHILDLINE, NOON, SECRECY, assessment, escalation, vault


def test_a_row_holds_nobodys_words() -> None:
    secret = "SECRET"
    message = escalation(
        text=secret,
        turns_before=(Turn("user", secret),),
        shown=(secret,),
        facts=(secret,),
        # Who was shown tells what was the matter.
        contacts=(replace(CHILDLINE, name=secret),),
        # Not the person's own words, but so near that they tell them.
        assessment=assessment(Severity.CONCERN, replace(SECRECY, like=(secret,))),
    )

    assert secret not in str(sealed_row(message, vault()))


def test_each_cell_is_sealed_for_its_own_place() -> None:
    row = sealed_row(escalation(text="[]", turns_before=(), shown=()), vault())

    opened = vault().open(row["shown"], table="escalations", row="m1", column="shown")
    assert opened == "[]"


def test_contacts_are_sealed_with_what_was_shown() -> None:
    row = sealed_row(escalation(contacts=(CHILDLINE,)), vault())

    opened = vault().open(row["shown"], table="escalations", row="m1", column="shown")
    assert json.loads(opened) == {
        "texts": ["You did the right thing."],
        "contacts": [asdict(CHILDLINE)],
    }
    assert opened_row(row, vault()) == escalation(contacts=(CHILDLINE,))


def test_a_row_of_before_contacts_were_noted_is_read_and_kept_as_it_was() -> None:
    row = sealed_row(escalation(), vault())

    opened = vault().open(row["shown"], table="escalations", row="m1", column="shown")
    assert json.loads(opened) == ["You did the right thing."]
    assert opened_row(row, vault()).contacts is None


def test_age_and_facts_are_sealed_with_the_turns() -> None:
    message = escalation(age=13, facts=("pictures", "weapon"))
    row = sealed_row(message, vault())

    opened = vault().open(row["turns"], table="escalations", row="m1", column="turns")
    assert json.loads(opened) == {
        "turns": [["user", "hi"], ["assistant", "Hello."]],
        "age": 13,
        "facts": ["pictures", "weapon"],
    }
    assert set(row) == set(sealed_row(escalation(), vault()))
    assert opened_row(row, vault()) == message


@pytest.mark.parametrize("said", [{"age": 13}, {"facts": ("weapon",)}])
def test_an_age_needs_no_facts_and_facts_no_age(said: dict[str, Any]) -> None:
    message = escalation(turns_before=(), **said)

    assert opened_row(sealed_row(message, vault()), vault()) == message


def test_a_row_of_before_age_and_facts_were_noted_is_read_and_kept_as_it_was() -> None:
    row = sealed_row(escalation(), vault())

    opened = vault().open(row["turns"], table="escalations", row="m1", column="turns")
    assert json.loads(opened) == [["user", "hi"], ["assistant", "Hello."]]
    read = opened_row(row, vault())
    assert (read.age, read.facts) == (None, ())


def test_the_facts_of_a_row_are_the_same_before_and_after_the_database() -> None:
    row = sealed_row(escalation(raised_at=NOON.astimezone(timezone(timedelta(hours=2)))), vault())

    stored = row | {"raised_at": NOON, "signals": json.loads(json.dumps(row["signals"]))}
    assert facts_of(stored) == facts_of(row)


def test_the_words_prove_the_facts_of_their_row() -> None:
    row = sealed_row(escalation(), vault())
    place = {"table": "escalations", "row": "m1", "column": "text"}

    assert vault().open(row["text"], **place, facts=facts_of(row)) == escalation().text
    with pytest.raises(VaultError):
        vault().open(row["text"], **place, facts=facts_of(row | {"severity": 0}))
