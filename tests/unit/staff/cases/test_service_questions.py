"""Questions about the service are known as such, and disclosures are not taken for them."""

from __future__ import annotations

import pytest

from staff.cases.service_questions import asks_about_the_service


@pytest.mark.parametrize(
    "text",
    [
        "what will they ask",
        "What will they ask me?",
        "who reads this",
        "who else gets told",
        "will u tell my mum",
        "are you a real person",
        "what happens if i tell someone",
        "ok and will the police come",
        "when will someone read it",
        "how long does it take",
        "do i have to say my name",
        "is this private",
        "will they believe me",
        "can i stay anonymous",
        "what’s going to happen",
        "will my parents find out",
        "what is the number",
    ],
)
def test_a_question_about_the_service_is_known(text: str) -> None:
    assert asks_about_the_service(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my dad hits me",
        "he said will you send it",
        "he wants to know if im alone",
        "is it my fault",
        "am i being groomed",
        "what does he want from me",
        "she told him what happens at home " + "and more " * 20 + "who reads this",
    ],
)
def test_what_is_told_is_no_question_about_the_service(text: str) -> None:
    assert not asks_about_the_service(text)
