"""Conversation tokens: only ours, only in time."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeTimedSerializer

from web.gateway.bodies import Beginning
from web.gateway.tokens import TokenError, Tokens

KEY = "k" * 40


def test_a_token_names_its_conversation_and_what_was_known() -> None:
    tokens = Tokens(KEY)

    bearer = tokens.read(tokens.issue(Beginning("parent", "wiltshire")))

    assert bearer.beginning == Beginning("parent", "wiltshire")


def test_every_token_is_a_conversation_of_its_own() -> None:
    tokens = Tokens(KEY)

    ids = {tokens.read(tokens.issue(Beginning())).conversation_id for _ in range(50)}

    assert len(ids) == 50


def test_an_old_token_is_refused() -> None:
    tokens = Tokens(KEY, lifetime_s=-1)

    with pytest.raises(TokenError):
        tokens.read(tokens.issue(Beginning()))


def test_a_token_of_another_key_or_purpose_is_refused() -> None:
    other_purpose = URLSafeTimedSerializer(KEY, salt="staff").dumps({"c": "x"})

    for token in (Tokens("o" * 40).issue(Beginning()), other_purpose, "", None, "a.b.c"):
        with pytest.raises(TokenError):
            Tokens(KEY).read(token)


def test_a_changed_token_is_refused() -> None:
    token = Tokens(KEY).issue(Beginning())

    with pytest.raises(TokenError):
        Tokens(KEY).read(token[:-1] + ("A" if token[-1] != "A" else "B"))


def test_a_signed_token_of_another_shape_is_refused() -> None:
    odd = URLSafeTimedSerializer(KEY, salt="lantern.conversation.v1").dumps({"c": "not a uuid"})

    with pytest.raises(TokenError):
        Tokens(KEY).read(odd)
