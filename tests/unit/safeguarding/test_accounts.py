"""The command for accounts: each password is printed once and works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from safeguarding.accounts import main
from safeguarding.escalations.database import connect, migrate
from safeguarding.staff import StaffAccounts


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StaffAccounts:
    url = f"sqlite:///{tmp_path / 'lantern.db'}"
    monkeypatch.setenv("LANTERN_DATABASE_URL", url)
    migrate(url)
    return StaffAccounts(connect(url))


def printed_password(capsys: pytest.CaptureFixture[str]) -> str:
    found = re.search(r"password: +(\S+)", capsys.readouterr().out)
    assert found
    return found[1]


def test_a_new_account_signs_in_with_the_printed_password(
    accounts: StaffAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", "Ann", "--shown-name", "Ann Smith"]) == 0

    member = accounts.verify("ann", printed_password(capsys))
    assert member is not None
    assert member.shown_name == "Ann Smith"


def test_a_reset_replaces_the_password(
    accounts: StaffAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["add", "ann"])
    first = printed_password(capsys)

    assert main(["reset", "ANN"]) == 0

    assert accounts.verify("ann", printed_password(capsys))
    assert accounts.verify("ann", first) is None


def test_the_list_leaves_out_who_is_disabled(
    accounts: StaffAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ann", "bob"):
        main(["add", name])
    assert main(["disable", "bob"]) == 0
    capsys.readouterr()

    main(["list"])

    assert capsys.readouterr().out == "ann\tann\tlead\n"


def test_the_first_account_signs_content_and_others_when_told_so(
    accounts: StaffAccounts, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["add", "ann"])
    main(["add", "bob"])
    main(["add", "cat", "--role", "lead"])
    assert _roles(accounts) == {"ann": "lead", "bob": "reviewer", "cat": "lead"}

    assert main(["role", "BOB", "lead"]) == 0
    assert main(["role", "ann", "reviewer"]) == 0

    assert _roles(accounts) == {"ann": "reviewer", "bob": "lead", "cat": "lead"}


def _roles(accounts: StaffAccounts) -> dict[str, str]:
    return {member.name: member.role.value for member in accounts.in_use()}


@pytest.mark.parametrize(
    "command",
    [["add", "ann"], ["reset", "nobody"], ["disable", "nobody"], ["role", "nobody", "lead"]],
)
def test_says_what_could_not_be_done(
    accounts: StaffAccounts, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    main(["add", "ann"])

    assert main(command) == 1
    assert capsys.readouterr().err
