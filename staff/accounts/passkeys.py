"""Passkeys (W3C Web Authentication), a second step beside the codes of an app."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine
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
from staff.accounts.accounts import Staff
from staff.accounts.tables import staff_passkeys
from storage.engine import READING

_BAD = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Exceptions of the library for malformed or wrong input."""


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


class Passkeys:
    """The passkeys of all accounts. Thread-safe. Callers use each challenge once."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

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
        with self._engine.begin() as connection:
            return bool(connection.execute(sa.delete(staff_passkeys).where(own)).rowcount)

    def _described(self, staff_id: str) -> list[PublicKeyCredentialDescriptor]:
        return [
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id))
            for each in self.of(staff_id)
        ]
