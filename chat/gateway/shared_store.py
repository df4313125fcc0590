"""Redis as several gateways share it: a conversation's record, and whose turn it is.

All that must happen at once is one script. A record has a revision, a new one each time it is
saved; it is saved only by whoever holds the lock, and over the revision that they have read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

WAIT_S = 0.15
"""How long one waits for Redis, in seconds: once, and then it is left alone until it answers."""
LOCK_S = 2.0
"""How long a lock holds that nobody renews, in seconds: a gateway that died holds up nobody for
longer."""
GONE = b"gone"
_CONNECTIONS = 64
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


class AwayError(Exception):
    """Redis is away, hangs or cannot take it; whoever asks goes on without."""


class StoredConversation(NamedTuple):
    """What is kept of a conversation."""

    revision: bytes
    """Empty when nothing is kept; `GONE` and more when the person has left."""
    record: bytes | None
    """None when it is what the asker knows already."""


class ConversationToKeep(NamedTuple):
    """What is to be kept of a conversation, and for how long."""

    revision: bytes
    sealed: bytes
    for_s: float


class Saved(Enum):
    """How saving went."""

    SAVED = b"saved"
    LOST = b"lost"
    """The lock was no longer ours."""
    CHANGED = b"changed"
    """The person has left meanwhile."""


class SharedStore:
    """Keeps records under names. While it is away every call fails at once: `is_back` finds out."""

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
        """Take the lock and read; None while another gateway has it. Raises AwayError."""
        found = await self._call(self._take, name, token, _ms(LOCK_S), known)
        return _found(found, known) if found[0] else None

    async def look(self, name: str, known: bytes) -> StoredConversation:
        """Read without the lock. Raises AwayError."""
        return _found(await self._call(self._look, name, known), known)

    async def save(self, name: str, token: str, known: bytes, kept: ConversationToKeep) -> Saved:
        """Keep a record, and give the lock back. Raises AwayError."""
        given = (token, known, kept.revision, kept.sealed, _ms(kept.for_s))
        return Saved(await self._call(self._save, name, *given))

    async def renew(self, name: str, token: str) -> None:
        """Hold the lock for longer, if it is still ours. Raises AwayError."""
        await self._call(self._renew, name, token, _ms(LOCK_S))

    async def free(self, name: str, token: str) -> None:
        """Give the lock back and save nothing. Raises AwayError."""
        await self._call(self._free, name, token)

    async def forget(self, name: str, for_s: float) -> None:
        """Delete a record. What stays says for so long that it was: nobody brings it back from
        what they remember. Raises AwayError."""
        await self._call(self._forget, name, GONE + token_hex(8).encode(), _ms(for_s))

    async def is_back(self) -> bool:
        """Whether Redis answers now."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._redis.ping()
        except Exception:  # noqa: BLE001 - whatever it is, it is not back
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
