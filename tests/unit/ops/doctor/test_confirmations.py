"""What no program can see, a member of staff confirms, on the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ops.doctor import CheckState, Installation, find
from ops.doctor.confirmations import CONFIRMATION_CHECKS, CONFIRMATIONS, CONFIRMED, confirm
from safeguarding.clock import utc_now
from staff.audit import trail
from storage.vault import new_key
from tests.unit.ops.doctor.conftest import Team, changed


def state_of(about: str, here: Installation) -> CheckState:
    return find(CONFIRMATION_CHECKS[about.replace("-", " ")], here).state


@pytest.mark.parametrize("about", CONFIRMATIONS)
def test_it_counts_when_a_colleague_has_said_so_and_for_a_time(
    here: Installation, team: Team, about: str
) -> None:
    assert state_of(about, here) is CheckState.NOT_READY

    confirm(about, here, "ann")

    assert state_of(about, here) is CheckState.OK
    assert [state_of(each, here) for each in CONFIRMATIONS].count(CheckState.OK) == 1
    later = utc_now() + CONFIRMATIONS[about].lasts + timedelta(days=1)
    assert state_of(about, replace(here, now=lambda: later)) is CheckState.NOT_READY


def test_it_is_on_the_trail_with_who_said_so(here: Installation, team: Team) -> None:
    confirm("keys-kept-apart", here, "ann")

    with here.engine.connect() as connection:
        [link] = trail.of_kind(connection, CONFIRMED)
    about = {name: link.event.detail[name] for name in ("about", "by", "keys")}
    assert about == {"about": "keys-kept-apart", "by": team.first, "keys": "k1"}


def test_a_new_key_has_to_be_kept_apart_as_well(here: Installation, team: Team) -> None:
    confirm("keys-kept-apart", here, "ann")
    ring = here.settings.secret("field_keys", here.env)

    grown = changed(here, FIELD_KEYS=f"k2:{new_key()},{ring}")
    found = find(CONFIRMATION_CHECKS["keys kept apart"], grown)

    assert (found.state, "key k2" in found.says) == (CheckState.NOT_READY, True)


def test_a_person_without_an_account_cannot_confirm(here: Installation, team: Team) -> None:
    with pytest.raises(LookupError):
        confirm("restore-tried", here, "somebody")
