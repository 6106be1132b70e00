"""One bounded frame a message: fixed header, CRC-32, msgspec (MessagePack) body; strict decoding.

Header, little-endian, ``HEADER.size`` bytes::

    magic "VDTT" | version u8 | topic u8 | reserved u16 | node 24 bytes, UTF-8, zero-padded | boot u64 |
    sequence u64 | t_ns i64 (validity) | t_sent_ns i64 | length u32 (body) | crc u32

The CRC-32 (zlib) covers the header without its last field, then the body. The subscription prefix
of a topic is the first six bytes.
"""

from __future__ import annotations

import math
import struct
import zlib
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from messages import detections
from messages.topics import BY_NUMBER, BY_TYPE, Topics
from messages.types import Message, SensorScan

MAGIC = b"VDTT"
VERSION = 1
HEADER = struct.Struct("<4sBBH24sQQqqII")
_CRC = struct.Struct("<I")
MAX_FRAME_BYTES = 65_536  # reliability: a frame above this ends a ZeroMQ session for good


class Refusal(str, Enum):
    """Why a frame was refused; each is a counter on health."""

    SHORT = "short"
    OVERSIZE = "oversize"
    MAGIC = "magic"
    VERSION = "version"
    TOPIC = "topic"
    NODE = "node"
    LENGTH = "length"
    CRC = "crc"
    BODY = "body"
    NON_FINITE = "non_finite"
    BLOCK = "block"


class FrameRefused(ValueError):
    """A frame that may not pass the door, with the counted reason."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason


class Frame(NamedTuple):
    """A decoded frame: header fields and the message."""

    topic: Topics
    node: str
    boot: int
    sequence: int
    t_ns: int
    t_sent_ns: int
    message: Message


_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Topics, msgspec.msgpack.Decoder[Any]] = {t: msgspec.msgpack.Decoder(t.value.type) for t in Topics}


def encode(message: Message, *, node: str, boot: int, sequence: int, t_ns: int, t_sent_ns: int) -> bytes:
    """Return the frame of a message. Raises ValueError where it would exceed MAX_FRAME_BYTES."""
    topic = BY_TYPE[type(message)].value
    body = _encoder.encode(message)
    name = node.encode()
    if not 0 < len(name) <= 24:
        raise ValueError(f"node = {node!r}: must be 1..24 bytes of UTF-8")
    head = HEADER.pack(MAGIC, VERSION, topic.number, 0, name, boot, sequence, t_ns, t_sent_ns, len(body), 0)
    size = len(head) + len(body)
    if size > MAX_FRAME_BYTES:
        raise ValueError(f"{topic.name} frame of {size} bytes: must be <= {MAX_FRAME_BYTES}; send several")
    crc = zlib.crc32(body, zlib.crc32(head[: -_CRC.size]))
    return b"".join((head[: -_CRC.size], _CRC.pack(crc), body))


def subscription_prefix(topic: Topics) -> bytes:
    """Return the bytes with which every frame of this topic begins."""
    return MAGIC + bytes((VERSION, topic.value.number))


def decode(data: bytes) -> Frame:
    """Return the decoded frame, or raise FrameRefused with the counted reason; never anything else."""
    topic, head = _open(data)
    body = memoryview(data)[HEADER.size :]
    try:
        message = _decoders[topic].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise FrameRefused(Refusal.BODY, f"{topic.value.name}: {error}") from None
    if not _finite(message):
        raise FrameRefused(Refusal.NON_FINITE, f"{topic.value.name}: a number is NaN or infinite")
    if isinstance(message, SensorScan):
        try:
            detections.block(message)
        except detections.BlockError as error:
            raise FrameRefused(Refusal.BLOCK, f"{message.sensor_id}: {error}") from None
    return Frame(topic, _node(head[4]), head[5], head[6], head[7], head[8], message)


def _open(data: bytes) -> tuple[Topics, tuple[Any, ...]]:
    if len(data) < HEADER.size:
        raise FrameRefused(Refusal.SHORT, f"{len(data)} bytes: a header has {HEADER.size}")
    if len(data) > MAX_FRAME_BYTES:
        raise FrameRefused(Refusal.OVERSIZE, f"{len(data)} bytes: must be <= {MAX_FRAME_BYTES}")
    head = HEADER.unpack_from(data)
    if head[0] != MAGIC:
        raise FrameRefused(Refusal.MAGIC, f"{head[0]!r}: must be {MAGIC!r}")
    if head[1] != VERSION:
        raise FrameRefused(Refusal.VERSION, f"{head[1]}: must be {VERSION}")
    if head[9] != len(data) - HEADER.size:
        raise FrameRefused(Refusal.LENGTH, f"{head[9]} announced, {len(data) - HEADER.size} received")
    crc = zlib.crc32(memoryview(data)[HEADER.size :], zlib.crc32(data[: HEADER.size - _CRC.size]))
    if crc != head[10]:
        raise FrameRefused(Refusal.CRC, f"{crc:08x} computed, {head[10]:08x} received")
    if head[2] not in BY_NUMBER:
        raise FrameRefused(Refusal.TOPIC, f"{head[2]}: not in the topic table")
    return BY_NUMBER[head[2]], head


def _node(raw: bytes) -> str:
    try:
        node = raw.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise FrameRefused(Refusal.NODE, f"{raw!r}: not UTF-8") from None
    if not node or "\0" in node:
        raise FrameRefused(Refusal.NODE, f"{raw!r}: empty or with a zero inside")
    return node


def _finite(value: object) -> bool:
    """Say whether every float inside a decoded message is finite (range limits let NaN through)."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, msgspec.Struct):
        return all(_finite(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, tuple):
        return all(map(_finite, value))
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return True
