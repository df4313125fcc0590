"""Whatever is sent: a calm reply, no error, nothing of it in the answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

from safeguarding.taxonomy import ROOT
from tests.integration.client import PATIENCE_S, Person

STRANGE = {
    "empty": "",
    "white space": " \n\t ",
    "very long": "i like football and my dog. " * 400,
    "one long word": "a" * 10_000,
    "NUL": "hello\x00there",
    "emoji only": "🙂🙃😀🐶",
    "HTML": "<script>alert(1)</script><b>hello</b>",
    "template": "{{7*7}} ${7*7} {audience} %s",
    "command": "/restart",
    "right to left": "\u202ehello\u202c مرحبا",
    "combining": "h̷̛e̸l̵l̶o̷",
}
EVAL = Path(os.environ.get("LANTERN_EVAL_DIR", ROOT.parent / "shared" / "eval"))


@pytest.fixture(scope="module")
def person(stack) -> Person:
    return Person(stack.url("gateway"))


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_a_strange_message_gets_a_calm_reply_that_does_not_repeat_it(person, text):
    response = person.post(text=text)

    assert response.status_code == 200
    messages = response.json()["messages"]
    assert messages
    assert all(message["text"].strip() for message in messages)
    if len(text.strip()) > 5:
        assert text not in response.text


def test_half_a_character_gets_a_calm_reply(person):
    body = '{"id": "6f9619ff-8b86-4011-b42d-00c04fc964ff", "text": "hello \\ud83d there"}'
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    response = httpx.post(
        f"{person._base}/v1/messages", content=body, headers=headers, timeout=PATIENCE_S
    )

    assert response.status_code == 200
    assert response.json()["messages"]


def test_a_disclosure_in_the_middle_of_ten_thousand_characters_is_heard(person):
    filler = "i like football and my dog. " * 180
    messages = person.say(f"{filler} my uncle keeps touching me. {filler}")

    assert messages[0]["kind"] == "help_card"


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"id": 5}', '{"text": "hello"}', "\xff"])
def test_what_is_no_message_gets_a_kind_error_with_help_in_it(person, body):
    headers = {"Authorization": f"Bearer {person.token}"}
    response = httpx.post(
        f"{person._base}/v1/messages", content=body.encode("latin-1"), headers=headers
    )

    assert 400 <= response.status_code < 500
    assert "0800 1111" in response.text


def test_every_naughty_string_gets_a_calm_reply(stack):
    path = EVAL / "naughty_strings.jsonl"
    if not path.is_file():
        pytest.skip("the published strings are not beside this checkout: set LANTERN_EVAL_DIR")
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    wrong = []
    for number, row in enumerate(rows):
        if number % 20 == 0:  # a conversation has a limit of its own
            person = Person(stack.url("gateway"))
        response = person.post(text=row["text"])
        if response.status_code != 200 or not response.json()["messages"]:
            wrong.append((row["id"], response.status_code))

    assert len(rows) > 400
    assert wrong == []
