"""A leading slash is text, not a command of Rasa's."""

from __future__ import annotations

import pytest

from safeguarding.messages import as_text, as_typed


@pytest.mark.parametrize("typed", ["/restart", "/disclose_urgent", "  /back", "//"])
def test_a_leading_slash_is_guarded_and_given_back(typed):
    assert not as_text(typed).strip().startswith("/")
    assert as_typed(as_text(typed)) == typed


@pytest.mark.parametrize("typed", ["hello", "", "and/or", "\u2060 joined"])
def test_other_text_is_left_alone(typed):
    assert as_text(typed) == typed
