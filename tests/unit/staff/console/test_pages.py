"""Templates fail on unknown names, and escape every value."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT
from staff.console.pages import ConsolePhrases, Pages, address_of

PHRASES = read_phrases(CONTENT / "phrases").of("console", ConsolePhrases)


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        Pages(PHRASES, unsigned_content=True).render("sign_in.html")


def test_what_is_shown_is_escaped_in_components_too() -> None:
    pages = Pages(PHRASES, unsigned_content=False, live_chat=False)
    response = pages.render("sign_in.html", error="<b>no</b>", onward='"><b>')
    assert response.body

    assert b"<b>" not in response.body
    assert b"&lt;b&gt;no&lt;/b&gt;" in response.body


def test_an_id_cannot_leave_its_place_in_the_address() -> None:
    assert address_of("../sign-out?x#y") == "/escalations/..%2Fsign-out%3Fx%23y"
