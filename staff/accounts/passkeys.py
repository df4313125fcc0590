"""Passkeys (W3C Web Authentication) as a second step beside the codes of an app."""

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
"""What the library raises for what a browser should never send."""


class PasskeyError(ValueError):
    """What the browser sent does not prove what it should."""


@dataclass(frozen=True)
class Site:
    """The console as browsers see it: a passkey is for one site, so no other can ask for it."""

    host: str
    """Without port."""
    origin: str
    """With scheme and port."""


@dataclass(frozen=True)
class Passkey:
    """One passkey as its owner sees it in the list."""

    id: str
    label: str
    made_at: datetime


class Passkeys:
    """The passkeys of all accounts. Thread-safe. Challenges are the caller's, for one use each."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        """Take a migrated database."""
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def of(self, staff_id: str) -> list[Passkey]:
        """An account's passkeys, the oldest first."""
        table = staff_passkeys
        query = sa.select(table.c.id, table.c.label, table.c.made_at).where(
            table.c.staff_id == staff_id
        )
        with self._reading.connect() as connection:
            return [Passkey(*row) for row in connection.execute(query.order_by(table.c.made_at))]

    def options_to_add(self, member: Staff, site: Site, challenge: bytes) -> str:
        """What a browser is asked to make a passkey from, as JSON."""
        options = generate_registration_options(
            rp_id=site.host,
            rp_name="Lantern",
            user_id=member.id.encode(),
            user_name=member.name,
            user_display_name=member.shown_name,
            challenge=challenge,
            exclude_credentials=self._described(member.id),
        )
        return options_to_json(options)

    def add(self, member: Staff, answer: str, challenge: bytes, site: Site, label: str) -> None:
        """Keep the passkey that the browser made. Raises PasskeyError."""
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
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

    def options_to_ask(self, staff_id: str, site: Site, challenge: bytes) -> str:
        """What a browser is asked to sign with one of the account's passkeys, as JSON."""
        options = generate_authentication_options(
            rp_id=site.host, challenge=challenge, allow_credentials=self._described(staff_id)
        )
        return options_to_json(options)

    def check(self, staff_id: str, answer: str, challenge: bytes, site: Site) -> None:
        """Raise PasskeyError unless one of the account's passkeys signed the challenge."""
        table = staff_passkeys
        try:
            mine = (table.c.staff_id == staff_id) & (table.c.id == str(json.loads(answer)["id"]))
        except _BAD:
            raise PasskeyError("The browser sent no answer of a passkey") from None
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(table).where(mine)).mappings().first()
            if row is None:
                raise PasskeyError("This is no passkey of the account")
            try:
                signed = verify_authentication_response(
                    credential=answer,
                    expected_challenge=challenge,
                    expected_rp_id=site.host,
                    expected_origin=site.origin,
                    credential_public_key=base64url_to_bytes(row["public_key"]),
                    # One that counts backwards was copied: the library refuses it.
                    credential_current_sign_count=row["sign_count"],
                )
            except _BAD:
                raise PasskeyError("The passkey did not sign what was asked") from None
            used = sa.update(table).where(mine).values(sign_count=signed.new_sign_count)
            connection.execute(used)

    def remove(self, staff_id: str, passkey_id: str) -> bool:
        """Forget a passkey of this account. False when it has none of this id."""
        mine = (staff_passkeys.c.staff_id == staff_id) & (staff_passkeys.c.id == passkey_id)
        with self._engine.begin() as connection:
            return bool(connection.execute(sa.delete(staff_passkeys).where(mine)).rowcount)

    def _described(self, staff_id: str) -> list[PublicKeyCredentialDescriptor]:
        return [
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id))
            for each in self.of(staff_id)
        ]
