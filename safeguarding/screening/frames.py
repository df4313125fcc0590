"""Messages between a service and its screening process: MessagePack, each after its length.

Plain values and no pickles: an attacker in one process could use these to run code in the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, BinaryIO

import msgspec

_LENGTH_BYTES = 4
LARGEST = 16 * 1024 * 1024
"""Bytes of the largest frame: a long message with twenty turns before it takes far less."""


class FrameError(Exception):
    """The other side sent something that is no frame."""


def packed(values: Mapping[str, Any]) -> bytes:
    """Return a frame of plain values. Raises FrameError when they are too many."""
    body = msgspec.msgpack.encode(values)
    if len(body) > LARGEST:
        raise FrameError(f"a frame of {len(body)} bytes")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the next frame of a blocking stream, or None at its end. Raises FrameError."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    body = stream.read(_length(head))
    return _values(body) if len(body) == _length(head) else None


async def receive_frame(stream: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the next frame of a stream, or None at its end. Raises FrameError."""
    try:
        head = await stream.readexactly(_LENGTH_BYTES)
        return _values(await stream.readexactly(_length(head)))
    except asyncio.IncompleteReadError:
        return None


def _length(head: bytes) -> int:
    length = int.from_bytes(head, "big")
    if length > LARGEST:
        raise FrameError(f"a frame of {length} bytes")
    return length


def _values(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.msgpack.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameError(type(error).__name__) from None
