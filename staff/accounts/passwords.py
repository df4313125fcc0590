"""Password rules for staff accounts: a minimum length, and a check against easy guesses."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress

from zxcvbn import zxcvbn

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

_HARD_ENOUGH = 3
"""Score of zxcvbn (0 to 4): more than 10^8 guesses, too many to try over a network."""
_JUDGED = 72
"""Characters that are scored; the time grows with the square of their number."""
_OWN_WORDS = ("lantern", "safeguarding", "safeguarding-lead", "console")
_COPIED_EASILY = "abcdefghjkmnpqrstuvwxyz23456789"
_one_at_a_time = threading.Lock()


class PasswordError(ValueError):
    """The password is refused; the message tells the person why."""


def check_password(password: str, name: str) -> None:
    """Raise PasswordError unless the account `name` (normalised) may use this password."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordError(
            f"A password has between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters"
        )
    if name and _letters(name) in _letters(password):
        raise PasswordError("The password must not contain the sign-in name")
    words = (*_OWN_WORDS, name, *name.replace(".", " ").replace("-", " ").split())
    # The library stores the extra words in a global variable.
    with _one_at_a_time:
        score = zxcvbn(password[:_JUDGED], user_inputs=list(words))["score"]
    if score < _HARD_ENOUGH:
        raise PasswordError("Use several words that do not belong together: this is guessed easily")


def random_password(name: str) -> str:
    """Return a random password that `check_password` accepts for `name` (normalised).

    It comes in groups that are easy to copy by hand.
    """
    while True:  # a random password can contain a short name by chance
        password = random_groups(4, 5)
        with suppress(PasswordError):
            check_password(password, name)
            return password


def random_groups(number: int, length: int) -> str:
    """Return groups of random letters and digits, five bits each, joined with dashes."""
    groups = ("".join(secrets.choice(_COPIED_EASILY) for _ in range(length)) for _ in range(number))
    return "-".join(groups)


def _letters(text: str) -> str:
    """Remove case, spaces and signs, so that "Ann.Smith" is found in "x-ANNSMITH-x"."""
    return "".join(sign for sign in text.casefold() if sign.isalnum()) or text
