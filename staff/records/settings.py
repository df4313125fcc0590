"""The settings of the push to a system of records (docs/connections.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from safeguarding.settings import SettingsError, choice_setting, is_private_to_both_ends

System = Literal["open", "file"]
SYSTEMS: tuple[System, ...] = ("open", "file")
"""The folders in `staff/records/adapters/`. The first is used where none is named."""
LEAST_CHARACTERS = 32
_SECRETS = 2


@dataclass(frozen=True)
class RecordSettings:
    """Where events leave to, and what goes with them."""

    system: System
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    """The keys that sign, the newest first: one, or two while the key changes. None for files."""
    words: bool
    console_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str], console_url: str) -> RecordSettings | None:
        """Return the settings; None where LANTERN_RECORDS_URL is not set: the push is off.

        Raises SettingsError for an address or a key that is missing or unsound.
        """
        url = env.get("LANTERN_RECORDS_URL")
        if not url:
            return None
        system = choice_setting(env, "LANTERN_RECORDS_SYSTEM", SYSTEMS)
        words = choice_setting(env, "LANTERN_RECORDS_WORDS", ("false", "true")) == "true"
        if system == "file":
            folder_of(url)
            return cls(system, url, (), words, console_url)
        if not is_private_to_both_ends(url):
            raise SettingsError("LANTERN_RECORDS_URL must begin with https://")
        return cls(
            system, url, _secrets(env.get("LANTERN_RECORDS_SECRET_FILE")), words, console_url
        )

    def link(self, case_id: str) -> str:
        """Return the address of a case in the console."""
        return f"{self.console_url.rstrip('/')}/cases/{case_id}"


def folder_of(url: str) -> Path:
    """Return the folder that a file: address names. Raises SettingsError for another address."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
        raise SettingsError("LANTERN_RECORDS_URL must be file:///a/folder for the system file")
    return Path(parts.path)


def _secrets(place: str | None) -> tuple[bytes, ...]:
    if not place:
        raise SettingsError("LANTERN_RECORDS_URL needs LANTERN_RECORDS_SECRET_FILE")
    try:
        lines = Path(place).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        problem = type(error).__name__
        raise SettingsError(f"LANTERN_RECORDS_SECRET_FILE: {problem} on {place}") from None
    if not 1 <= len(lines) <= _SECRETS:
        raise SettingsError(f"{place} must hold one secret, or two while it changes: one a line")
    if min(map(len, lines)) < LEAST_CHARACTERS:
        raise SettingsError(f"Each secret in {place} needs {LEAST_CHARACTERS} characters at least")
    return tuple(line.encode() for line in lines)
