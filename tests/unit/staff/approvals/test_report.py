"""`make content` and the console count the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from safeguarding.content.reader import read_catalogue
from safeguarding.content.signing import standing_of
from staff.accounts.permissions import Role
from staff.approvals.approvals import (
    NO_DATABASE,
    current_report,
    main,
    report,
)
from tests.commands import run
from tests.content import TODAY, decided, item
from tests.records import PASSWORD, accounts_on
from tests.signing import approve


def test_counts_the_items_of_each_status() -> None:
    risk = item("risk:grooming")
    standings = [
        standing_of(item(), [decided(item())], TODAY),
        standing_of(risk, [decided(risk)], TODAY),
        standing_of(item("answer:pledge"), [], TODAY),
        standing_of(item("answer:teen_brain"), [], TODAY),
    ]

    assert report(standings) == (
        "approvals: 4 items: 1 approved, 1 waiting for a second person, 2 never approved"
    )


def test_reads_the_real_content_from_the_database(database_url: str, engine: Engine) -> None:
    ann = accounts_on(engine).add("ann", PASSWORD, role=Role.LEAD).id
    items = read_catalogue().items
    approve(engine, items["answer:consent"], ann)

    counts, plan = current_report(database_url).splitlines()
    assert counts.startswith(f"approvals: {len(items)} items: 1 approved")
    assert plan == f"signing plan: none, and {len(items) - 1} items lack signatures"


def test_without_a_database_says_so_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "lantern.db"

    assert current_report(f"sqlite:///{path}") == NO_DATABASE
    assert not path.exists()


def test_a_database_without_tables_or_out_of_reach_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "lantern.db").touch()

    assert current_report(f"sqlite:///{tmp_path / 'lantern.db'}").startswith(NO_DATABASE)
    assert current_report("postgresql://x@127.0.0.1:1/x").startswith(NO_DATABASE)


def test_the_command_prints_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", f"sqlite:///{tmp_path / 'lantern.db'}")

    assert run(main).stdout == f"{NO_DATABASE}\n"
