"""Signed content, tried contacts, known advisories: on a copy of the real content."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ops.doctor import ADVISORIES, CheckState, Installation, find
from ops.doctor.confirmations import CONTENT_CHECKS as CHECKS
from safeguarding.clock import utc_now
from safeguarding.content.reader import read_catalogue
from staff.approvals.approvals import Approvals
from staff.approvals.plan import SigningPlans
from tests.signing import approve
from tests.unit.ops.doctor.conftest import Team, tried


def test_content_that_is_not_signed_by_enough_or_not_any_more_is_counted(
    with_content: Installation, team: Team
) -> None:
    items = list(read_catalogue(with_content.content).items.values())
    assert f"{len(items)} never approved" in find(CHECKS["content"], with_content).says

    for item in items:
        approve(with_content.engine, item, team.first)
    assert "waiting for a second person" in find(CHECKS["content"], with_content).says

    later = replace(with_content, now=lambda: utc_now() + timedelta(days=400))
    assert "past review" in find(CHECKS["content"], later).says
    path = with_content.content / "opening.yml"
    path.write_text(path.read_text("utf-8").replace("computer", "machine"), "utf-8")
    assert "1 changed since approval" in find(CHECKS["content"], with_content).says


def test_the_signing_plan_is_asked_for_kept_and_made_again(
    with_content: Installation, team: Team
) -> None:
    items = list(read_catalogue(with_content.content).items.values())
    standings = Approvals(with_content.engine).standings(items)
    none = find(CHECKS["signing plan"], with_content)
    assert (none.state, none.says) == (
        CheckState.NOT_READY,
        f"none, and {len(items)} items lack signatures",
    )

    leads = (team.first, team.second)
    number = SigningPlans(with_content.engine).make(standings, leads, 6, by=team.first)
    made = find(CHECKS["signing plan"], with_content)
    assert made.state is CheckState.OK
    assert made.says.startswith(f"0 of {number} signatures given")

    approve(with_content.engine, items[0], team.first)
    later = replace(with_content, now=lambda: utc_now() + timedelta(days=10))
    late = find(CHECKS["signing plan"], later)
    assert late.state is CheckState.NOT_READY
    assert late.says.startswith(f"1 of {number} signatures given")
    assert "overdue" in late.says


def test_a_file_that_cannot_be_read_is_named(with_content: Installation) -> None:
    (with_content.content / "pledge.yml").write_text("[", "utf-8")

    for name in ("content", "contacts"):
        found = find(CHECKS[name], with_content)
        assert (found.state, "pledge.yml" in found.says) == (CheckState.NOT_READY, True)


def test_contacts_count_when_a_person_has_tried_each(with_content: Installation) -> None:
    today = utc_now().date()
    assert "not tried by a person" in find(CHECKS["contacts"], with_content).says

    tried(with_content.content, today)
    assert find(CHECKS["contacts"], with_content).state is CheckState.OK

    later = replace(with_content, now=lambda: utc_now() + timedelta(days=400))
    assert find(CHECKS["contacts"], later).state is CheckState.NOT_READY


def test_a_contact_that_is_said_to_be_tried_tomorrow_does_not_count(
    with_content: Installation,
) -> None:
    tried(with_content.content, utc_now().date() + timedelta(days=30))

    assert find(CHECKS["contacts"], with_content).state is CheckState.NOT_READY


def test_advisories_are_looked_for_monthly(here: Installation, tmp_path: Path) -> None:
    path = tmp_path / "advisories.toml"
    text = ADVISORIES.read_text("utf-8")
    looked = re.sub(r"looked_on = \S+", f"looked_on = {utc_now().date().isoformat()}", text)
    listed = replace(here, advisories=path)
    path.write_text(looked, "utf-8")
    assert find(CHECKS["advisories"], listed).state is CheckState.OK

    path.write_text(re.sub(r"looked_on = \S+", "looked_on = 2026-01-01", text), "utf-8")
    assert "last looked for on 2026-01-01" in find(CHECKS["advisories"], listed).says
    path.write_text(looked.replace('affected = "<1.6.9"', 'affected = "<99"'), "utf-8")
    assert "authlib" in find(CHECKS["advisories"], listed).says
    path.unlink()
    assert find(CHECKS["advisories"], listed).state is CheckState.NOT_READY
