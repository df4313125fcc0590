"""Conversation tokens: only ours, only in time."""

from __future__ import annotations

import time

import pytest
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.timed import TimestampSigner

from chat.gateway.requests import CLOCKS_APART_S, Beginning, TokenError, Tokens

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

    for token in (
        Tokens("o" * 40).issue(Beginning()),
        other_purpose,
        "",
        None,
        "a.b.c",
        "\xe9.b.c",
        "\udce9.b.c",
    ):
        with pytest.raises(TokenError):
            Tokens(KEY).read(token)


def test_a_changed_token_is_refused() -> None:
    # Not its last character: two bits of that one belong to no byte of the signature.
    payload, stamp, signature = Tokens(KEY).issue(Beginning()).split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]

    with pytest.raises(TokenError):
        Tokens(KEY).read(f"{payload}.{stamp}.{changed}")


def test_a_signed_token_of_another_shape_is_refused() -> None:
    odd = URLSafeTimedSerializer(KEY, salt="lantern.conversation.v1").dumps({"c": "not a uuid"})

    with pytest.raises(TokenError):
        Tokens(KEY).read(odd)


def signed_by_a_clock_ahead(seconds: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a token of a gateway whose clock is so far ahead."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) + seconds)
        return Tokens(KEY).issue(Beginning("parent"))


@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_a_clock_that_is_ahead_or_was_set_back_shuts_nobody_out(
    seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_by_a_clock_ahead(seconds, monkeypatch)

    assert Tokens(KEY).read(token).beginning == Beginning("parent")


def test_a_token_of_a_far_future_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed_by_a_clock_ahead(CLOCKS_APART_S + 60, monkeypatch)

    with pytest.raises(TokenError):
        Tokens(KEY).read(token)


def test_a_token_of_the_future_with_another_signature_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload, stamp, signature = signed_by_a_clock_ahead(60, monkeypatch).split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]

    with pytest.raises(TokenError):
        Tokens(KEY).read(f"{payload}.{stamp}.{changed}")
