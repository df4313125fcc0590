"""The second step of a sign-in: codes of an app (RFC 6238), recovery codes, and passkeys.

Passkeys are those of W3C Web Authentication.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pyotp
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import PublicKeyCredentialDescriptor

from safeguarding.clock import utc_now
from staff.accounts.accounts import AccountRecords, Staff, digest_of, remove_second_step
from staff.accounts.passwords import random_groups
from staff.accounts.tables import staff_passkeys, staff_recovery_codes, staff_totp
from storage.vault import Vault

STEP_S = 30
RECOVERY_CODES = 10
ISSUER = "Lantern"

_DRIFT = (-1, 0, 1)
"""Time steps by which the clock of a phone may differ."""
_BAD = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Exceptions of the library for malformed or wrong input."""


class WrongCodeError(ValueError):
    """The code is wrong, or was used before."""


class PasskeyError(ValueError):
    """The browser's response does not prove what it should."""


@dataclass(frozen=True)
class RelyingParty:
    """The console as browsers see it. A passkey works for one relying party only."""

    id: str
    """The host name, without port."""
    origin: str
    """With scheme and port."""


@dataclass(frozen=True)
class Passkey:
    """A passkey as its owner sees it in the list."""

    id: str
    label: str
    made_at: datetime


class SecondSteps(AccountRecords):
    """The codes of every account."""

    def __init__(self, engine: Engine, vault: Vault, now: Callable[[], datetime] = utc_now) -> None:
        super().__init__(engine, now)
        self._vault = vault

    def is_set_up(self, staff_id: str) -> bool:
        """Return whether the account has a second step."""
        query = sa.select(staff_totp.c.staff_id).where(
            staff_totp.c.staff_id == staff_id, staff_totp.c.in_use
        )
        return self._first(query) is not None

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
            codes = [random_groups(4, 4) for _ in range(RECOVERY_CODES)]
            rows = [{"staff_id": staff_id, "code_hash": _digest(code)} for code in codes]
            connection.execute(sa.insert(staff_recovery_codes), rows)
        return codes

    def check(self, staff_id: str, code: str) -> None:
        """Accept a code of the app or a recovery code, once. Raises WrongCodeError."""
        if not self.use_recovery_code(staff_id, code):
            with self._engine.begin() as connection:
                self._use(connection, staff_id, code, in_use=True)

    def use_recovery_code(self, staff_id: str, code: str) -> bool:
        """Accept a recovery code, once; return whether it is one."""
        table = staff_recovery_codes
        recovery = (table.c.staff_id == staff_id) & (table.c.code_hash == _digest(code))
        # Looked up first: only a right code makes others wait to write.
        if self._first(sa.select(table.c.staff_id).where(recovery)) is None:
            return False
        return self._change(sa.delete(table).where(recovery))

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


class Passkeys(AccountRecords):
    """The passkeys of every account. Callers use each challenge once."""

    def of(self, staff_id: str) -> list[Passkey]:
        """Return the passkeys of an account, oldest first."""
        table = staff_passkeys
        query = sa.select(table.c.id, table.c.label, table.c.made_at).where(
            table.c.staff_id == staff_id
        )
        with self._reading.connect() as connection:
            return [Passkey(*row) for row in connection.execute(query.order_by(table.c.made_at))]

    def options_to_add(self, member: Staff, party: RelyingParty, challenge: bytes) -> str:
        """Return the options for a browser to create a passkey with, as JSON."""
        options = generate_registration_options(
            rp_id=party.id,
            rp_name="Lantern",
            user_id=member.id.encode(),
            user_name=member.name,
            user_display_name=member.shown_name,
            challenge=challenge,
            exclude_credentials=self._described(member.id),
        )
        return options_to_json(options)

    def add(
        self, member: Staff, answer: str, challenge: bytes, party: RelyingParty, label: str
    ) -> None:
        """Store the passkey that the browser created. Raises PasskeyError."""
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
            )
        except _BAD:
            raise PasskeyError("The browser did not make a passkey for this site") from None
        row = {
            "id": bytes_to_base64url(made.credential_id),
            "staff_id": member.id,
            "public_key": bytes_to_base64url(made.credential_public_key),
            "sign_count": made.sign_count,
            "label": label,
            "made_at": self._now(),
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(staff_passkeys).values(**row))

    def options_to_ask(self, staff_id: str, party: RelyingParty, challenge: bytes) -> str:
        """Return the options for a browser to sign with a passkey of the account, as JSON."""
        options = generate_authentication_options(
            rp_id=party.id, challenge=challenge, allow_credentials=self._described(staff_id)
        )
        return options_to_json(options)

    def check(self, staff_id: str, answer: str, challenge: bytes, party: RelyingParty) -> None:
        """Raise PasskeyError unless one of the account's passkeys signed the challenge."""
        table = staff_passkeys
        try:
            own = (table.c.staff_id == staff_id) & (table.c.id == str(json.loads(answer)["id"]))
        except _BAD:
            raise PasskeyError("The browser sent no answer of a passkey") from None
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(table).where(own)).mappings().first()
            if row is None:
                raise PasskeyError("This is no passkey of the account")
            try:
                signed = verify_authentication_response(
                    credential=answer,
                    expected_challenge=challenge,
                    expected_rp_id=party.id,
                    expected_origin=party.origin,
                    credential_public_key=base64url_to_bytes(row["public_key"]),
                    # The library refuses a count that goes back: the passkey was copied.
                    credential_current_sign_count=row["sign_count"],
                )
            except _BAD:
                raise PasskeyError("The passkey did not sign what was asked") from None
            used = sa.update(table).where(own).values(sign_count=signed.new_sign_count)
            connection.execute(used)

    def remove(self, staff_id: str, passkey_id: str) -> bool:
        """Delete a passkey of the account. Return False when it has none with this id."""
        own = (staff_passkeys.c.staff_id == staff_id) & (staff_passkeys.c.id == passkey_id)
        return self._change(sa.delete(staff_passkeys).where(own))

    def _described(self, staff_id: str) -> list[PublicKeyCredentialDescriptor]:
        return [
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id))
            for each in self.of(staff_id)
        ]


def address_for_app(secret: str, name: str) -> str:
    """Return the `otpauth:` address for the QR code from which an app reads the secret."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=name, issuer_name=ISSUER)


def _digest(code: str) -> str:
    """Ignore case, spaces and dashes. A plain digest is enough for 79 random bits."""
    return digest_of("".join(sign for sign in code.casefold() if sign.isalnum()))
