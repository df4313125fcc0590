"""The collaborators of the actions, made once a process: content, signatures, pledges, clock."""

from __future__ import annotations

from functools import cache

from safeguarding.answering.composition import Composition
from safeguarding.content.reader import read_content
from safeguarding.settings import Settings
from storage.answering import compose_answers
from storage.engine import connect


@cache
def composition() -> Composition:
    """Return the collaborators of this process. Raises ContentError, SettingsError.

    Actions call it when they run, because rasa-sdk makes them itself and pickles them.
    """
    settings = Settings.from_env()
    return compose_answers(settings, connect(settings.database_url), read_content())
