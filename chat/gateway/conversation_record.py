"""A conversation as it lies outside this process: sealed, under a name that tells nothing."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat.gateway.conversation import Conversation, WishStep
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Turn

_VERSION = b"1"
_NONCE_BYTES, _KEY_BYTES, _NAME_BYTES = 12, 32, 16


class SealError(Exception):
    """A record cannot be opened: another key, another conversation, or damage."""


class _ConversationRecord(msgspec.Struct, array_like=True):
    """All that a conversation is. A new field goes to the end and has a default."""

    state: dict[str, Any]
    turns: list[tuple[str, str, str]]
    answers: list[tuple[str, bytes]]
    dialogue: bytes | None
    wish_offered: bool
    wish_step: WishStep | None
    wish_name: str
    wish_left: bool = False


class Seal:
    """Seals and opens. Both keys are made of the key of the tokens: every gateway has that, and
    without it no conversation could be asked for anyhow."""

    def __init__(self, token_key: str) -> None:
        self._cipher = AESGCM(_derived(token_key, b"lantern conversation record"))
        self._naming = _derived(token_key, b"lantern conversation name")

    def name(self, conversation_id: UUID) -> str:
        """What it is kept under: nobody without the key can say which conversation it is."""
        digest = hashlib.blake2b(conversation_id.bytes, key=self._naming, digest_size=_NAME_BYTES)
        return digest.hexdigest()

    def seal(self, conversation: Conversation) -> bytes:
        """All of it, for this conversation alone."""
        record = _ConversationRecord(
            conversation.state.as_record(),
            [(key, turn.by, turn.text) for key, turn in conversation.turns.items()],
            list(conversation.answers.items()),
            conversation.dialogue,
            conversation.wish_offered,
            conversation.wish_step,
            conversation.wish_name,
            conversation.wish_left,
        )
        nonce = os.urandom(_NONCE_BYTES)
        plain = msgspec.msgpack.encode(record)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _place(conversation.id))

    def open(self, sealed: bytes, conversation_id: UUID) -> Conversation:
        """The inverse of `seal`. Raises SealError."""
        head = len(_VERSION) + _NONCE_BYTES
        nonce, rest = sealed[len(_VERSION) : head], sealed[head:]
        try:
            plain = self._cipher.decrypt(nonce, rest, _place(conversation_id))
            record = msgspec.msgpack.decode(plain, type=_ConversationRecord)
            state = ConversationState.from_record(record.state)
        except (InvalidTag, msgspec.MsgspecError, AttributeError, KeyError, TypeError, ValueError):
            # No cause: it could quote what was said.
            raise SealError from None
        return Conversation(
            conversation_id,
            state,
            dialogue=record.dialogue,
            wish_offered=record.wish_offered,
            wish_step=record.wish_step,
            wish_name=record.wish_name,
            wish_left=record.wish_left,
            turns=OrderedDict((key, Turn(by, text)) for key, by, text in record.turns),
            answers=OrderedDict(record.answers),
        )


def _derived(token_key: str, label: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=label).derive(token_key.encode())


def _place(conversation_id: UUID) -> bytes:
    return _VERSION + conversation_id.bytes
