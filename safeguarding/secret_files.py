"""Secrets, from the environment or files of the state folder. None may be empty or too short.

An empty key signs and verifies like any other, so a forgotten key would go unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

LEAST_CHARACTERS: Mapping[str, int] = MappingProxyType(
    {"token_key": 32, "channel_secret": 32, "action_secret": 32, "webhook_key": 16}
)
"""The least length of the secrets that an installation chooses itself."""

ACTION_SECRET_HEADER = "X-Lantern-Action-Secret"  # noqa: S105 - a header's name
"""Carries "action_secret" from Rasa to the action server."""


class SettingsError(Exception):
    """A setting that is missing or invalid. The message says which, and what to write."""


class NoSecretError(SettingsError):
    """A secret that is not set; some are optional."""


def read_secret(name: str, state_dir: Path, env: Mapping[str, str]) -> str:
    """Return LANTERN_<NAME>, else the file <state_dir>/secrets/<name>. Raises SettingsError."""
    variable, path = variable_of(name), state_dir / "secrets" / name
    if variable in env:
        return _good(name, env[variable], variable)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NoSecretError(
            f"No secret {name}: set {variable}, or run `make setup` (writes {path})"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from None
    return _good(name, text, str(path))


def variable_of(name: str) -> str:
    """Return the name of the variable that holds a secret."""
    return f"LANTERN_{name.upper()}"


def _good(name: str, text: str, place: str) -> str:
    secret, least = text.strip(), LEAST_CHARACTERS.get(name, 1)
    if not secret:
        raise SettingsError(
            f"The secret {name} is empty: write it into {place}, or remove that altogether"
        )
    if len(secret) < least:
        raise SettingsError(
            f"The secret {name} is too short: {place} needs {least} random characters at least, "
            f"for example of `openssl rand -base64 {least}`"
        )
    return secret
