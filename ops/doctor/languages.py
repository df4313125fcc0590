"""Checks of the cards in other languages: two native speakers, no withdrawn card, a leader."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ops.doctor import Check, Finding, Installation, not_ready, ok
from safeguarding.content.items import label
from safeguarding.content.languages import ID, LanguageCardRecord, read_language_card
from safeguarding.content.reader import KINDS
from safeguarding.content.translation import SIGNERS
from safeguarding.records import ContentError


def checks(here: Installation) -> Mapping[str, Check]:
    """Return a check for each language of the content, by its code."""
    return {path.stem: partial(_language, path) for path in KINDS[ID].paths(here.content)}


def _language(path: Path, _here: Installation) -> Finding:
    try:
        language = read_language_card(path)
    except ContentError as error:
        return not_ready(str(error.problems[0]), "make content")
    missing = _missing(language)
    if missing:
        return not_ready(f"{language.name}: {'; '.join(missing)}", "docs/translating.md")
    by = " and ".join(language.signers)
    return ok(f"{language.name}: signed by {by}; leader: {language.language_leader}")


def _missing(language: LanguageCardRecord) -> list[str]:
    missing = []
    if language.withdrawn:
        cards = ", ".join(map(label, language.withdrawn))
        missing.append(f"withdrawn, so that the English is shown: {cards}")
    if not language.is_signed:
        missing.append(f"unsigned ({len(language.signers)} of {SIGNERS} native speakers)")
    if not (language.language_leader or "").strip():
        missing.append("no leader")
    return missing
