"""The console has a label or a sentence for every value."""

from __future__ import annotations

import pytest

from safeguarding.content.items import Block
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus
from safeguarding.escalation import Outcome
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.permissions import Role
from staff.console import wording
from staff.console.wording import CONTENT_STATUSES, DECISIONS, ROLES, readers, signer
from tests.content import decided, item


def test_every_outcome_and_severity_has_words() -> None:
    assert set(wording.OUTCOMES) == set(Outcome)
    assert set(wording.SEVERITIES) == set(wording.SEVERITY_HINTS) == set(Severity)


def test_every_audience_and_subject_has_words() -> None:
    for name in taxonomy().audiences:
        assert wording.audience(name)
    assert wording.audience(None) == "Not said"
    for name in taxonomy().subjects:
        assert "_" not in wording.subject(name)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (1.0, "Very sure, over 99%"),
        (0.95, "Very sure, 95%"),
        (0.82, "Fairly sure, 82%"),
        (0.5, "More likely than not, 50%"),
        (0.21, "Unsure, 21%"),
        (0.05, "A faint sign, 5%"),
        (0.001, "A faint sign, under 1%"),
    ],
)
def test_says_how_sure_a_model_is(weight: float, words: str) -> None:
    assert wording.sureness(weight) == words


def test_a_sign_of_a_chat_has_words_whether_it_is_known_or_new() -> None:
    assert wording.chat_sign("moving-apps") == "moving to another app"
    assert wording.chat_sign("new_sign") == "new sign"


def test_names_the_doer() -> None:
    assert wording.who("assistant", {}) == "The assistant"
    assert wording.who("id-1", {"id-1": "Ann"}) == "Ann"


def test_nothing_that_can_happen_is_without_words() -> None:
    assert set(CONTENT_STATUSES) == set(ApprovalStatus)
    assert set(ROLES) == set(Role)
    assert set(DECISIONS) == set(ApprovalDecision)


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
    assert readers(Block("x", (), audiences)) == words


def test_names_the_signer_with_the_role_of_then() -> None:
    assert signer(decided(item())) == "Ann (safeguarding lead)"
