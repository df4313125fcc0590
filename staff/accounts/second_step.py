"""The second step of a sign-in: codes of an authenticator app (RFC 6238), and recovery codes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

import pyotp
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import utc_now
from staff.accounts.tables import digest_of, staff_passkeys, staff_recovery_codes, staff_totp
from storage.engine import READING
from storage.vault import Vault

STEP_S = 30
RECOVERY_CODES = 10
ISSUER = "Lantern"

_DRIFT = (-1, 0, 1)
"""Time steps by which the clock of a phone may differ."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _IN_GROUP = 4, 4


class WrongCodeError(ValueError):
    """The code is wrong, or was used before."""


class SecondSteps:
    """The second step of every account. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._vault = vault
        self._now = now

    def is_set_up(self, staff_id: str) -> bool:
        """Return whether the account has a second step."""
        query = sa.select(staff_totp.c.staff_id).where(
            staff_totp.c.staff_id == staff_id, staff_totp.c.in_use
        )
        with self._reading.connect() as connection:
            return connection.execute(query).first() is not None

    def offered(self, staff_id: str) -> str:
        """Return the secret to set up an app with; the same until the set-up is done."""
        with self._engine.begin() as connection:
            offered = self._secret(connection, staff_id, in_use=False)
            if offered is not None:
                return offered
            secret = pyotp.random_base32()
            place = {"table": "staff_totp", "row": staff_id, "column": "secret"}
            row = {"secret": self._vault.seal(secret, **place), "in_use": False, "last_step": 0}
            connection.execute(sa.insert(staff_totp).values(staff_id=staff_id, **row))
            return secret

    def set_up(self, staff_id: str, code: str) -> list[str]:
        """Require codes from now on; return the recovery codes, of which only digests are stored.

        Raises WrongCodeError unless `code` proves that the app has the secret.
        """
        with self._engine.begin() as connection:
            self._use(connection, staff_id, code, in_use=False)
            own = staff_totp.c.staff_id == staff_id
            connection.execute(sa.update(staff_totp).where(own).values(in_use=True))
            codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
            rows = [{"staff_id": staff_id, "code_hash": _digest(code)} for code in codes]
            connection.execute(sa.insert(staff_recovery_codes), rows)
        return codes

    def check(self, staff_id: str, code: str) -> None:
        """Accept a code of the app or a recovery code, once. Raises WrongCodeError."""
        table = staff_recovery_codes
        recovery = (table.c.staff_id == staff_id) & (table.c.code_hash == _digest(code))
        with self._engine.begin() as connection:
            if connection.execute(sa.delete(table).where(recovery)).rowcount == 1:
                return
            self._use(connection, staff_id, code, in_use=True)

    def codes_left(self, staff_id: str) -> int:
        """Return how many recovery codes are unused."""
        table = staff_recovery_codes
        query = sa.select(sa.func.count()).select_from(table).where(table.c.staff_id == staff_id)
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()

    def remove(self, staff_id: str) -> None:
        """Stop requiring a second step."""
        with self._engine.begin() as connection:
            remove_second_step(connection, staff_id)

    def _use(self, connection: Connection, staff_id: str, code: str, *, in_use: bool) -> None:
        secret = self._secret(connection, staff_id, in_use=in_use)
        if secret is None:
            raise WrongCodeError
        totp, now = pyotp.TOTP(secret, interval=STEP_S), int(self._now().timestamp()) // STEP_S
        typed = "".join(code.split()).encode("utf-8", "replace")
        for step in (now + drift for drift in _DRIFT):
            if hmac.compare_digest(totp.at(step * STEP_S).encode(), typed):
                # Each code works once, so that one seen over a shoulder is of no use.
                unused = (staff_totp.c.staff_id == staff_id) & (staff_totp.c.last_step < step)
                used = sa.update(staff_totp).where(unused).values(last_step=step)
                if connection.execute(used).rowcount == 1:
                    return
        raise WrongCodeError

    def _secret(self, connection: Connection, staff_id: str, *, in_use: bool) -> str | None:
        own = (staff_totp.c.staff_id == staff_id) & (staff_totp.c.in_use == sa.literal(in_use))
        sealed = connection.execute(sa.select(staff_totp.c.secret).where(own)).scalar()
        if sealed is None:
            return None
        return self._vault.open(sealed, table="staff_totp", row=staff_id, column="secret")


def remove_second_step(connection: Connection, staff_id: str) -> None:
    """Remove app, recovery codes and passkeys of an account, in the caller's transaction."""
    for table in (staff_totp, staff_recovery_codes, staff_passkeys):
        connection.execute(sa.delete(table).where(table.c.staff_id == staff_id))


def address_for_app(secret: str, name: str) -> str:
    """Return the `otpauth:` address for the QR code from which an app reads the secret."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=name, issuer_name=ISSUER)


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_IN_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _digest(code: str) -> str:
    """Ignore case, spaces and dashes. A plain digest is enough for 79 random bits."""
    return digest_of("".join(sign for sign in code.casefold() if sign.isalnum()))
