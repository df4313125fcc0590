"""Guessable passwords are refused; the random ones that we print are accepted."""

from __future__ import annotations

import secrets

import pytest

from staff.accounts.passwords import (
    PasswordError,
    check_password,
    random_password,
)


@pytest.mark.parametrize("password", ["short", "x" * 11, "p7 Qz" * 41])
def test_refuses_a_short_or_endless_one(password: str) -> None:
    with pytest.raises(PasswordError, match="between 12 and 200"):
        check_password(password, "ann")


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password2026!",
        "qwertyuiop123",
        "iloveyouforever",
        "safeguarding2026",
        "Safeguarding-Lead1",
        "aaaaaaaaaaaaaaaaaaaaaa",
        "123456789012",
    ],
)
def test_refuses_a_password_that_is_easy_to_guess(password: str) -> None:
    with pytest.raises(PasswordError, match="guessed easily"):
        check_password(password, "ann")


@pytest.mark.parametrize("password", ["ann.smith-purple-otter-9", "xx ANN SMITH otter purple"])
def test_refuses_one_with_the_sign_in_name_however_it_is_written(password: str) -> None:
    with pytest.raises(PasswordError, match="sign-in name"):
        check_password(password, "ann.smith")


def test_the_parts_of_a_name_do_not_make_a_password_stronger() -> None:
    with pytest.raises(PasswordError, match="guessed easily"):
        check_password("featherstone1985", "ruth.featherstone")


@pytest.mark.parametrize("password", ["seven quiet green lamps", "correct horse battery staple"])
def test_takes_several_words_that_do_not_belong_together(password: str) -> None:
    check_password(password, "ann")


def test_random_passwords_are_long_and_differ_and_are_taken() -> None:
    passwords = {random_password("safeguarding-lead") for _ in range(50)}

    assert len(passwords) == 50
    for password in passwords:
        assert len(password) == 23
        check_password(password, "safeguarding-lead")


def test_a_random_password_is_drawn_again_when_it_holds_the_name_by_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter("47tsp4bz3vh8sannussh" + "47tsp4bz3vh8smnqussh")
    monkeypatch.setattr(secrets, "choice", lambda _: next(drawn))

    assert random_password("ann") == "47tsp-4bz3v-h8smn-qussh"
