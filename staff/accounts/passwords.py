"""Which passwords staff may choose: long, and not among those that are guessed first."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress

from zxcvbn import zxcvbn

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

_HARD_ENOUGH = 3
"""Of 4, as zxcvbn scores: more than 10^8 guesses, out of reach of guessing over a network."""
_JUDGED = 72
"""Characters that are judged: the work of judging grows with the square of their number."""
_HOUSE = ("lantern", "safeguarding", "safeguarding-lead", "console")
_COPIED_EASILY = "abcdefghjkmnpqrstuvwxyz23456789"
_one_at_a_time = threading.Lock()


class PasswordError(ValueError):
    """A password may not be used; the subclasses say why."""


class PasswordLengthError(PasswordError):
    """It is too short or too long."""


class GuessablePasswordError(PasswordError):
    """It is common, or made of common parts, keyboard rows, dates or our own words."""


class NameInPasswordError(PasswordError):
    """It contains the sign-in name."""


def check_password(password: str, name: str) -> None:
    """Raise PasswordError unless the account called `name` (normalised) may have this password."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordLengthError(
            f"A password has between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters"
        )
    if name and _letters(name) in _letters(password):
        raise NameInPasswordError("A password does not contain the sign-in name")
    words = (*_HOUSE, name, *name.replace(".", " ").replace("-", " ").split())
    # The library keeps the extra words in a variable of its module.
    with _one_at_a_time:
        score = zxcvbn(password[:_JUDGED], user_inputs=list(words))["score"]
    if score < _HARD_ENOUGH:
        raise GuessablePasswordError("A password like this is guessed easily")


def random_password(name: str) -> str:
    """A password nobody could guess, in groups that can be copied by hand.

    The account called `name` (normalised) may have it: a draw can hold a short name by chance.
    """
    while True:
        password = "-".join(_random_group() for _ in range(4))
        with suppress(PasswordError):
            check_password(password, name)
            return password


def _random_group() -> str:
    return "".join(secrets.choice(_COPIED_EASILY) for _ in range(5))


def _letters(text: str) -> str:
    """What stays when case, spaces and signs are taken away: "Ann.Smith" is in "x-ANNSMITH-x"."""
    return "".join(sign for sign in text.casefold() if sign.isalnum()) or text
