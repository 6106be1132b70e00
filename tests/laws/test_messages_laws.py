"""Laws of every message: round trip, unknown field refused, finite numbers, and nothing but FrameRefused."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messages.codec import HEADER, MAX_FRAME_BYTES, Frame, FrameRefused, Refusal, decode, encode
from messages.detections import COLUMNS, pack
from messages.topics import BY_TYPE, Topics
from messages.types import Message, SensorScan

NAMES = st.from_regex(r"\A[A-Za-z0-9_./:-]{1,12}\Z")
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def strategy_of(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy of values that a message's field may hold, from the field's own type and limits."""
    match kind:
        case msgspec.inspect.IntType():
            return st.integers(0 if kind.ge is None else kind.ge, 2**62 if kind.le is None else kind.le)
        case msgspec.inspect.FloatType():
            low = kind.ge if kind.ge is not None else kind.gt
            return st.floats(low, kind.le, exclude_min=kind.gt is not None, allow_nan=False, allow_infinity=False)
        case msgspec.inspect.StrType():
            return NAMES if kind.pattern else st.text(max_size=20)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.BytesType():
            return st.just(b"")
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
        case msgspec.inspect.UnionType():
            return st.one_of([strategy_of(t) for t in kind.types])
        case msgspec.inspect.TupleType():
            return st.tuples(*[strategy_of(t) for t in kind.item_types])
        case msgspec.inspect.VarTupleType():
            low, high = kind.min_length or 0, min(kind.max_length or 4, 21)
            size = (low, high) if low else (0, 3)
            return st.lists(strategy_of(kind.item_type), min_size=size[0], max_size=size[1]).map(tuple)
        case msgspec.inspect.DictType():
            return st.dictionaries(strategy_of(kind.key_type), strategy_of(kind.value_type), max_size=3)
        case msgspec.inspect.StructType():
            fields = {f.name: strategy_of(f.type) for f in kind.fields}
            return st.builds(kind.cls, **fields)
    raise AssertionError(kind)


def messages(topic: Topics) -> st.SearchStrategy[Message]:
    made = strategy_of(msgspec.inspect.type_info(topic.value.type))
    return made.flatmap(with_detections) if topic is Topics.SCAN else made


def with_detections(scan: SensorScan) -> st.SearchStrategy[SensorScan]:
    """Return scans with rows inside the limits of the columns, some values missing."""
    cells = [st.just(float("nan")) | st.floats(c.low, c.high) for c in COLUMNS]
    cells += [st.floats(0.0, 1.0) for _ in scan.class_names]
    rows = st.lists(st.tuples(*cells), max_size=2)

    def packed(values: list[tuple[float, ...]]) -> SensorScan:
        block = np.array(values, dtype=np.float64).reshape(len(values), len(cells))
        return msgspec.structs.replace(scan, detections=pack(block))

    return rows.map(packed)


HEADERS = st.fixed_dictionaries(
    {
        "node": NAMES,
        "boot": st.integers(0, 2**64 - 1),
        "sequence": st.integers(0, 2**64 - 1),
        "t_ns": st.integers(-(2**63), 2**63 - 1),
        "t_sent_ns": st.integers(-(2**63), 2**63 - 1),
    }
)


@pytest.mark.parametrize("topic", list(Topics), ids=lambda t: t.value.name)
def test_every_message_comes_back_as_it_went(topic: Topics) -> None:
    @QUICK
    @given(messages(topic), HEADERS)
    def law(message: Message, header: dict[str, Any]) -> None:
        assert decode(encode(message, **header)) == Frame(topic=topic, message=message, **header)

    law()


@pytest.mark.parametrize("topic", list(Topics), ids=lambda t: t.value.name)
def test_every_message_with_an_unknown_field_is_refused(topic: Topics) -> None:
    @settings(QUICK, max_examples=10)
    @given(messages(topic))
    def law(message: Message) -> None:
        fields = msgspec.to_builtins(message, builtin_types=(bytes,))
        fields["colour"] = 1
        with pytest.raises(FrameRefused) as refused:
            decode(reframed(topic, msgspec.msgpack.encode(fields)))
        assert refused.value.reason is Refusal.BODY
        assert "colour" in str(refused.value)

    law()


@pytest.mark.parametrize("topic", list(Topics), ids=lambda t: t.value.name)
def test_every_required_field_is_missed_by_name(topic: Topics) -> None:
    required = [f.name for f in msgspec.structs.fields(topic.value.type) if f.required]

    @settings(QUICK, max_examples=5)
    @given(messages(topic), st.sampled_from(required))
    def law(message: Message, missing: str) -> None:
        fields = msgspec.to_builtins(message, builtin_types=(bytes,))
        del fields[missing]
        with pytest.raises(FrameRefused, match=missing):
            decode(reframed(topic, msgspec.msgpack.encode(fields)))

    law()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_wherever_it_hides(value: float) -> None:
    base: dict[str, Any] = {
        "class_probabilities": {}, "sensor_shares": {}, "model_probabilities": [0.5, 0.5],
        "track_id": 1, "t_ns": 0, "status": "confirmed", "existence": 0.5,
        "state": [0.0] * 6, "covariance": [0.0] * 21,
    }  # fmt: skip
    for field, changed in (
        ("existence", value), ("state", [0.0] * 5 + [value]), ("covariance", [value] + [0.0] * 20),
        ("class_probabilities", {"fpv": value}), ("model_probabilities", [value]),
    ):  # fmt: skip
        body = {"t_ns": 0, "sensor_id": "r1", "scan": 0, "tracks": [{**base, field: changed}]}
        with pytest.raises(FrameRefused) as refused:
            decode(reframed(Topics.TRACKS, msgspec.msgpack.encode(body)))
        assert refused.value.reason in (Refusal.NON_FINITE, Refusal.BODY)
    body = {"t_ns": 0, "sensor_id": "r1", "scan": 0, "tracks": [base]}
    assert decode(reframed(Topics.TRACKS, msgspec.msgpack.encode(body))).topic is Topics.TRACKS


def reframed(topic: Topics, body: bytes, *, node: bytes = b"r1", sequence: int = 0) -> bytes:
    """Return a frame with a right header around any body."""
    head = HEADER.pack(b"VDTT", 1, topic.value.number, 0, node, 0, sequence, 0, 0, len(body), 0)[:-4]
    return head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little") + body


def seeds() -> list[bytes]:
    """Return one good frame of every topic."""
    found = []
    for topic in Topics:
        picked: list[Message] = []

        @settings(max_examples=3, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(messages(topic))
        def pick(message: Message) -> None:
            picked.append(message)  # noqa: B023 (called in this very turn of the loop)

        pick()
        found.append(encode(picked[-1], node="r1", boot=1, sequence=1, t_ns=0, t_sent_ns=0))
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Damage a frame; half of the time its length and CRC are made right again, so that deeper doors are tried."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        how = chance.randrange(4)
        place = chance.randrange(len(damaged)) if damaged else 0
        if how == 0 and damaged:
            damaged[place] = chance.randrange(256)
        elif how == 1:
            del damaged[place : place + chance.randint(1, 8)]
        elif how == 2:
            damaged[place:place] = chance.randbytes(chance.randint(1, 8))
        else:
            damaged[place : place + 4] = chance.choice([b"\xff\xff\xff\xff", b"\xdd\xff\xff\xff", b"\xcb\x7f\xf8\0"])
    if chance.random() < 0.5 and len(damaged) >= HEADER.size:
        number = damaged[5]
        topic = next((t for t in Topics if t.value.number == number), Topics.SCAN)
        return reframed(topic, bytes(damaged[HEADER.size :]))
    return bytes(damaged)


def test_of_20_000_damaged_frames_each_is_decoded_or_refused_with_one_counted_reason() -> None:
    chance = random.Random(20)
    good = seeds()
    assert len({BY_TYPE[type(decode(data).message)] for data in good}) == len(Topics)
    reasons: Counter[str] = Counter()
    for _ in range(20_000):
        try:
            decode(mutated(chance.choice(good), chance))
            reasons["decoded"] += 1
        except FrameRefused as refused:
            reasons[refused.reason.value] += 1
    assert sum(reasons.values()) == 20_000
    assert {"short", "magic", "version", "length", "crc", "body", "block"} <= set(reasons)


def test_a_frame_over_the_limit_is_neither_made_nor_taken() -> None:
    scan = SensorScan(sensor_id="r1", scan=0, t_ns=0, detections=b"\0" * 59_920)
    body = msgspec.msgpack.encode(scan) + bytes(MAX_FRAME_BYTES)
    with pytest.raises(FrameRefused) as refused:
        decode(reframed(Topics.SCAN, body))
    assert refused.value.reason is Refusal.OVERSIZE
    with pytest.raises(ValueError, match=r"must be 1\.\.24 bytes"):
        encode(scan, node="n" * 25, boot=0, sequence=0, t_ns=0, t_sent_ns=0)
