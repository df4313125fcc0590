"""Every kind, status, role and decision has words."""

from __future__ import annotations

import pytest

from safeguarding.content.catalogue import read_catalogue
from safeguarding.content.items import Part
from safeguarding.content.signing import Decision, Status
from safeguarding.staff import Role
from tests.content import TODAY, decided, item
from web.console.content_wording import DECISIONS, KINDS, ROLES, STATUSES, day, readers, signer


def test_nothing_that_can_happen_is_without_words() -> None:
    assert set(STATUSES) == set(Status)
    assert set(ROLES) == set(Role)
    assert set(DECISIONS) == set(Decision)
    assert {each.kind for each in read_catalogue().items.values()} <= set(KINDS)


@pytest.mark.parametrize(
    ("audiences", "words"),
    [
        ((), "Everyone"),
        (("young_person",), "Young people"),
        (("parent", "professional"), "Parents and carers and professionals"),
        (("young_person", "parent", "professional"), "Everyone"),
    ],
)
def test_says_who_reads_a_part(audiences: tuple[str, ...], words: str) -> None:
    assert readers(Part("x", (), audiences)) == words


def test_names_the_signer_with_the_role_of_then() -> None:
    assert signer(decided(item())) == "Ann (safeguarding lead)"


def test_writes_a_day_in_full() -> None:
    assert day(TODAY) == "25 November 2026"
