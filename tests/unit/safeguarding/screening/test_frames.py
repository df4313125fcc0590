"""Frames come out as they went in; what is no frame is refused, and quotes nothing."""

from __future__ import annotations

import asyncio
import io
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.screening.frames import LARGEST, FrameError, packed, read_frame, receive_frame

VALUES = {"id": 7, "texts": ["what a child wrote", "zażółć \N{WAVING HAND SIGN}", ""], "of": None}
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def received(*parts: bytes) -> dict[str, Any] | None:
    """Return the frame that comes in these parts, as a service receives it."""

    async def receive() -> dict[str, Any] | None:
        stream = asyncio.StreamReader()
        receiving = asyncio.create_task(receive_frame(stream))
        for part in parts:
            stream.feed_data(part)
            await asyncio.sleep(0)
        stream.feed_eof()
        return await receiving

    return asyncio.run(receive())


def both(raw: bytes) -> list[dict[str, Any] | None]:
    """Return what both readers make of these bytes."""
    return [read_frame(io.BytesIO(raw)), received(raw)]


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_plain_values_come_out_as_they_went_in(values: dict[str, Any]) -> None:
    assert both(packed(values)) == [values, values]


def test_frames_follow_each_other_to_the_end() -> None:
    stream = io.BytesIO(packed(VALUES) + packed({}) + packed({"id": 8}))

    assert [read_frame(stream) for _ in range(4)] == [VALUES, {}, {"id": 8}, None]


def test_a_frame_that_comes_byte_by_byte_is_whole() -> None:
    assert received(*(bytes([byte]) for byte in packed(VALUES))) == VALUES


def test_a_frame_that_is_cut_short_is_the_end() -> None:
    whole = packed(VALUES)

    for length in range(len(whole)):
        assert both(whole[:length]) == [None, None]


def test_a_frame_as_large_as_a_long_message_with_twenty_turns_is_taken() -> None:
    values = {"text": "\N{WAVING HAND SIGN}" * 64_000, "before": [["user", "a" * 64_000]] * 20}

    assert both(packed(values)) == [values, values]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not MessagePack",
        b"\xc1",  # a byte that MessagePack never uses
        msgspec.msgpack.encode(["a", "list"]),
        msgspec.msgpack.encode({1: "a number for a name"}),
        msgspec.msgpack.encode({"a": 1}) + b"more",
        b"\x81\xa1a\xa2\xff\xfe",  # a text that is not UTF-8
        pickle.dumps({"id": 1}),
    ],
)
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    raw = len(body).to_bytes(4, "big") + body

    with pytest.raises(FrameError):
        read_frame(io.BytesIO(raw))
    with pytest.raises(FrameError):
        received(raw)


def test_a_length_that_no_message_has_is_refused_before_it_is_read() -> None:
    head = (LARGEST + 1).to_bytes(4, "big")

    with pytest.raises(FrameError, match=str(LARGEST + 1)):
        read_frame(io.BytesIO(head))
    with pytest.raises(FrameError):
        received(head)


def test_the_error_quotes_nothing() -> None:
    body = msgspec.msgpack.encode(VALUES) + b"what a child wrote"

    with pytest.raises(FrameError) as caught:
        read_frame(io.BytesIO(len(body).to_bytes(4, "big") + body))
    assert "child" not in f"{caught.value!r} {caught.value.__cause__!r}"
