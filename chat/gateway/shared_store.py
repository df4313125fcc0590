"""Sealed records of conversations, and locks on them, in a Redis that several gateways share.

Each script of Redis is one atomic step. A record has a revision, a new one each time it is saved.
Only the gateway that holds the lock saves it, and only over the revision that it has read.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum
from secrets import token_hex
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chat.gateway.conversations import CallbackStep, Conversation, LetterboxProgress
from chat.gateway.live.progress import LiveProgress
from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import Turn

WAIT_S = 0.15
"""The longest wait for Redis, in seconds. After one such wait it is not asked until `is_back`."""
LOCK_S = 2.0
"""Seconds after which a lock ends that is not renewed, because its gateway died."""
GONE = b"gone"
"""Begins the revision of a conversation whose person has left."""
_CONNECTIONS = 64
_VERSION = b"1"
_NONCE_BYTES, _KEY_BYTES, _NAME_BYTES = 12, 32, 16
log = structlog.get_logger("gateway.shared")

_READ = """
local function read(key, known)
  local revision = redis.call('HGET', key, 'revision')
  if not revision then return {1} end
  if revision == known then return {1, revision} end
  return {1, revision, redis.call('HGET', key, 'record') or ''}
end
"""
_TAKE = (
    _READ
    + """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return read(KEYS[2], ARGV[3])
"""
)
_LOOK = _READ + "return read(KEYS[2], ARGV[1])"
_SAVE = """
local revision = redis.call('HGET', KEYS[2], 'revision')
if revision == ARGV[3] then return 'saved' end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('DEL', KEYS[1])
if revision and revision ~= ARGV[2] then return 'changed' end
redis.call('HSET', KEYS[2], 'revision', ARGV[3], 'record', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 'saved'
"""
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end"
_FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_FORGET = """
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'revision', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
"""


class SealError(Exception):
    """A record cannot be opened: wrong key, wrong conversation, or damage."""


class _ConversationRecord(msgspec.Struct, array_like=True):
    """The fields of a conversation. A new field goes to the end and has a default."""

    state: dict[str, Any]
    turns: list[tuple[str, str, str]]
    answers: list[tuple[str, bytes]]
    dialogue: bytes | None
    callback_offered: bool
    callback_step: CallbackStep | None
    callback_name: str
    callback_left: bool = False
    letterbox: LetterboxProgress = LetterboxProgress()
    live: LiveProgress = LiveProgress()


class Seal:
    """Encrypts conversations and their names, with keys derived from the key of the tokens."""

    def __init__(self, token_key: str) -> None:
        self._cipher = AESGCM(derived_key(token_key, b"lantern conversation record"))
        self._naming = derived_key(token_key, b"lantern conversation name")

    def name(self, conversation_id: UUID) -> str:
        """Return a name for the record that tells nothing without the key."""
        digest = hashlib.blake2b(conversation_id.bytes, key=self._naming, digest_size=_NAME_BYTES)
        return digest.hexdigest()

    def seal(self, conversation: Conversation) -> bytes:
        """Return the sealed record, which opens only under the id of this conversation."""
        record = _ConversationRecord(
            conversation.state.as_record(),
            [(key, turn.by, turn.text) for key, turn in conversation.turns.items()],
            list(conversation.answers.items()),
            conversation.dialogue,
            conversation.callback_offered,
            conversation.callback_step,
            conversation.callback_name,
            conversation.callback_left,
            conversation.letterbox,
            conversation.live,
        )
        nonce = os.urandom(_NONCE_BYTES)
        plain = msgspec.msgpack.encode(record)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _place(conversation.id))

    def open(self, sealed: bytes, conversation_id: UUID) -> Conversation:
        """Open a record made by `seal`. Raises SealError."""
        head = len(_VERSION) + _NONCE_BYTES
        nonce, rest = sealed[len(_VERSION) : head], sealed[head:]
        try:
            plain = self._cipher.decrypt(nonce, rest, _place(conversation_id))
            record = msgspec.msgpack.decode(plain, type=_ConversationRecord)
            state = ConversationState.from_record(record.state)
        except (InvalidTag, msgspec.MsgspecError, AttributeError, KeyError, TypeError, ValueError):
            # No cause: it could quote the person.
            raise SealError from None
        return Conversation(
            conversation_id,
            state,
            dialogue=record.dialogue,
            callback_offered=record.callback_offered,
            callback_step=record.callback_step,
            callback_name=record.callback_name,
            callback_left=record.callback_left,
            letterbox=record.letterbox,
            live=record.live,
            turns=OrderedDict((key, Turn(by, text)) for key, by, text in record.turns),
            answers=OrderedDict(record.answers),
        )


def derived_key(token_key: str, label: bytes) -> bytes:
    """Return the key of one purpose, which `label` names, made from the key of the tokens."""
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=label).derive(token_key.encode())


def _place(conversation_id: UUID) -> bytes:
    return _VERSION + conversation_id.bytes


class AwayError(Exception):
    """Redis is away, hangs or refuses; the gateway goes on without it."""


class StoredConversation(NamedTuple):
    """A sealed record and its revision."""

    revision: bytes
    """Empty if there is no record; begins with `GONE` if the person has left."""
    record: bytes | None
    """None if the caller has this revision already."""


class Saved(Enum):
    """The outcome of `save`."""

    SAVED = b"saved"
    LOST = b"lost"
    """Another gateway has the lock, because this one took too long."""
    CHANGED = b"changed"
    """Another revision is there: the person has left meanwhile."""


class SharedStore:
    """Records and locks by name. After a failure every call fails at once until `is_back`."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, timeout=WAIT_S, retry=Retry(NoBackoff(), 1)
        )
        self._redis: Any = Redis.from_pool(pool)
        scripts = (_TAKE, _LOOK, _SAVE, _RENEW, _FREE, _FORGET)
        self._take, self._look, self._save, self._renew, self._free, self._forget = map(
            self._redis.register_script, scripts
        )
        self.is_away = False

    async def take(self, name: str, token: str, known: bytes) -> StoredConversation | None:
        """Take the lock and read; return None if another gateway has it. Raises AwayError."""
        found = await self._call(self._take, name, token, _ms(LOCK_S), known)
        return _found(found, known) if found[0] else None

    async def look(self, name: str, known: bytes) -> StoredConversation:
        """Read without the lock. Raises AwayError."""
        return _found(await self._call(self._look, name, known), known)

    async def save(
        self, name: str, token: str, known: bytes, new: StoredConversation, for_s: float
    ) -> Saved:
        """Save a record for some seconds and release the lock. Raises AwayError."""
        given = (token, known, new.revision, new.record or b"", _ms(for_s))
        return Saved(await self._call(self._save, name, *given))

    async def renew(self, name: str, token: str) -> None:
        """Extend the lock if this gateway still has it. Raises AwayError."""
        await self._call(self._renew, name, token, _ms(LOCK_S))

    async def free(self, name: str, token: str) -> None:
        """Release the lock without saving. Raises AwayError."""
        await self._call(self._free, name, token)

    async def forget(self, name: str, for_s: float) -> None:
        """Delete a record. Raises AwayError.

        A marker stays for `for_s` seconds, so that no gateway saves its copy again.
        """
        await self._call(self._forget, name, GONE + token_hex(8).encode(), _ms(for_s))

    async def is_back(self) -> bool:
        """Return whether Redis answers now."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._redis.ping()
        except Exception:  # noqa: BLE001 - any failure means that it is away
            return False
        if self.is_away:
            log.warning("shared.is_back")
        self.is_away = False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _call(self, script: Any, name: str, *arguments: str | bytes | int) -> Any:
        if self.is_away:
            raise AwayError
        keys = [f"lantern:{{{name}}}:lock", f"lantern:{{{name}}}:conversation"]
        try:
            async with asyncio.timeout(WAIT_S):
                return await script(keys=keys, args=arguments)
        except Exception as error:  # noqa: BLE001 - a store that fails must not stop an answer
            self.is_away = True
            log.warning("shared.unavailable", error=type(error).__name__)
            raise AwayError from None


def _found(answer: Sequence[Any], known: bytes) -> StoredConversation:
    _taken, *rest = answer
    revision = rest[0] if rest else b""
    return StoredConversation(revision, rest[1] if len(rest) > 1 and revision != known else None)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
