"""The interface control document, made from the code: topic table, messages, detection block, frame, protocol.

``render()`` returns the text of ``docs/icd.md``; a contract test compares the two.
"""

from __future__ import annotations

import struct
import textwrap
from typing import Any

import msgspec

from messages import detections
from messages.codec import HEADER, MAGIC, MAX_FRAME_BYTES, VERSION, Refusal, encode
from messages.topics import Topics
from messages.types import EndOfStream, Message

# Field of the header: struct code, name, meaning. The layout is checked against the codec when the page is made.
HEADER_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("4s", "magic", f"`{MAGIC.decode()}`"),
    ("B", "version", f"{VERSION}"),
    ("B", "topic", "number in the topic table"),
    ("H", "reserved", "0"),
    ("24s", "node", "name of the sending node, UTF-8, padded with zero bytes"),
    ("Q", "boot", "grows at every start of the sender (Unix seconds at start will do)"),
    ("Q", "sequence", "counts the sender's frames from 0 at each boot; a repetition keeps its number"),
    ("q", "t_ns", "time of validity"),
    ("q", "t_sent_ns", "time at which the sender sent it first"),
    ("I", "length", "bytes of the body"),
    ("I", "crc", "CRC-32 (zlib) of the header without this field, then the body"),
)
TYPES = {"4s": "4 bytes", "24s": "24 bytes", "B": "u8", "H": "u16", "I": "u32", "Q": "u64", "q": "i64"}
UNITS = {
    "_m": "m", "_mps": "m/s", "_rad": "rad", "_hz": "Hz", "_s": "s", "_ns": "ns", "_db": "dB", "_dba": "dB(A)",
    "_ms": "ms",
}  # fmt: skip
EXAMPLE = EndOfStream(t_ns=1_500_000_000)

INTRODUCTION = """\
# Interface control document

This page is made from the code by `messages/icd.py`; do not edit it. It is all that is needed to write a
sensor that feeds a Vedette node, or a consumer that listens to one, in any language that has ZeroMQ and MessagePack.
Vedette senses, tracks, identifies and warns; there is no message that aims or releases anything.

All numbers are SI and radians; times are integer nanoseconds on the node's time base (a live node: Unix time; a
scenario run: from the start of the engagement). ENU is local east, north, up from the platoon datum. Azimuth is
clockwise from north, elevation up from the horizontal. The axes of a body are forward, left, up.
"""

JOINING = f"""\
## Joining as a sensor

1. Open a ZeroMQ **DEALER** socket. Set its **identity** (`ZMQ_IDENTITY` / `ROUTING_ID`) to your node name, the same
   1 to 24 bytes that stand in `node` of every frame; the characters are `A-Z a-z 0-9 _ . / : -`. For a sensor the
   node name is its `sensor_id`. A frame whose `node` is not the identity of its connection is refused (`identity`).
   Connect to the node's ingest endpoint: `vedette node --listen tcp://HOST:PORT` listens at PORT and publishes
   at PORT + 1.
2. Send one frame a message, as a **single-part** ZeroMQ message of at most {MAX_FRAME_BYTES} bytes. A larger one
   ends the connection.
3. Send a `sensor_description` **first**. A scan of a sensor that has not introduced itself is refused
   (`no_description`): introduce it again, then go on. The introduction may be repeated, and replaces the earlier one.
   Where the description names a `platform_id`, that platform's own sender (node name: the platform) must
   send `platform_pose` as well; without one, position and attitude of the sensor are in ENU and nothing else is needed.
4. Send a `scan` for **every look, empty ones too**: an empty look tells that nothing was there, silence does not. A
   sensor that is silent for five scan periods (at least 0.5 s) is named on health.
5. Read the answers. The node answers each frame with an `acknowledgement` of the same `sequence`, sent to your
   DEALER once the frame is **in the node's journal**:
   - `accepted: true`: never send it again; it survives a crash of the node.
   - `accepted: false`: `reason` is `code: detail`; do not send the same again.
   - no answer within 0.5 s: send the **same bytes** again (same `boot` and `sequence`). The node recognises a
     repetition, answers it again and fuses it once. A frame whose CRC does not fit gets no answer, because its
     sequence is not known.
   Keep at most 64 unanswered frames; beyond that drop new ones, but let them take their `sequence`, so that the node
   can count what is missing. Where every frame must arrive, wait for each answer before the next frame (lock-step).
6. Say `end_of_stream` when you have nothing more to say; otherwise your silence is reported as a fault.
7. A sensor **that can be pointed** sends a `sensor_head` after its description. Its `field_of_view` is then all that
   the head can be turned to, and each `scan` says in `look` what it covered, in the frame of the sensor's angles (a
   look during a slew: a range of 0 to 0). The node sends the newest `sensor_cue` for it on the same connection,
   **just ahead of the `acknowledgement`** of its next frame; the topic in the header tells the two apart. A cue asks,
   nothing more: a sensor without one for some seconds looks where it likes. Others get acknowledgements only.

Clocks: `t_ns` may be at most 0.5 s ahead of the node's clock and at most 10 s behind (`clock_future`, `clock_past`);
a scan that is more than 1 s older than the newest is journaled but no longer fused.

## Listening as a consumer

Open a **SUB** socket, connect to the publish endpoint and subscribe to topics: the first six bytes of a frame are
`{MAGIC.decode()}`, the version and the topic number. Other prefixes are not served. A consumer that does not keep up
misses frames and nobody waits for it; gaps show in `sequence`, which the node counts by topic. Read the socket from a
thread of its own with `ZMQ_RCVHWM` = 0 (or set no heartbeat on it): libzmq up to 4.3.5 at least aborts the process of
a SUB socket whose bounded queue was full when a heartbeat ran out. `tracks` may come in
several parts (`part` of `parts`) of one `(t_ns, sensor_id, scan)`.
"""

SENDER = '''\
"""A complete sensor in pyzmq and msgpack: introduces itself, sends ten scans, says goodbye."""

import math, struct, sys, time, zlib
import msgpack, zmq

NODE, BOOT = "foreign_radar", int(time.time())
COLUMNS = {columns}
HEAD = struct.Struct("<4sBBH24sQQqqI")

def frame(topic, sequence, t_ns, message):
    body = msgpack.packb(message)
    head = HEAD.pack(b"{magic}", {version}, topic, 0, NODE.encode(), BOOT, sequence, t_ns, t_ns, len(body))
    return head + struct.pack("<I", zlib.crc32(body, zlib.crc32(head))) + body

def send(link, data):
    while True:                                    # until it is in the node's journal
        link.send(data)
        if link.poll(500):
            answer = msgpack.unpackb(link.recv()[{header}:])
            if not answer["accepted"]:
                sys.exit(answer["reason"])
            return

def detection(**values):                           # NaN: not measured
    row = [values.pop(name, math.nan) for name in COLUMNS]
    assert not values, values
    return struct.pack("<%dd" % len(row), *row)

link = zmq.Context().socket(zmq.DEALER)
link.setsockopt(zmq.IDENTITY, NODE.encode())
link.setsockopt(zmq.LINGER, 0)
link.connect(sys.argv[1])                          # tcp://127.0.0.1:5570

now = time.time_ns()
send(link, frame({description}, 0, now, {{
    "sensor_id": NODE, "kind": "radar", "position_m": [0.0, 0.0, 2.5],
    "sigma": {{"range_m": 5.0, "azimuth_rad": 0.009, "elevation_rad": 0.014, "range_rate_mps": 0.5}},
    "field_of_view": {{"range_m": [50.0, 2000.0], "azimuth_rad": [0.0, 6.283], "elevation_rad": [-0.03, 1.05]}},
    "clutter_per_scan": 1.0, "scan_period_s": 0.1}}))
for i in range(10):
    now = time.time_ns()
    block = detection(range_m=900.0 - 2.0 * i, azimuth_rad=0.5, elevation_rad=0.1, range_rate_mps=-20.0, snr_db=15.0)
    send(link, frame({scan}, 1 + i, now, {{"sensor_id": NODE, "scan": i, "t_ns": now, "detections": block}}))
    time.sleep(0.1)
send(link, frame({end}, 11, now, {{"t_ns": now}}))
'''


def render() -> str:
    """Return the whole page as Markdown."""
    parts = [
        INTRODUCTION,
        _topics(),
        JOINING,
        _frame(),
        _refusals(),
        _block(),
        _messages(),
        "## A minimal sensor\n\n```python\n" + minimal_sender() + "```\n",
    ]
    return "\n".join(parts)


def minimal_sender() -> str:
    """Return the text of a sensor that uses nothing but pyzmq and msgpack; its argument is the ingest endpoint."""
    names = textwrap.fill(repr([column.name for column in detections.COLUMNS]), 100, subsequent_indent=" " * 11)
    return SENDER.format(
        columns=names,
        magic=MAGIC.decode(),
        version=VERSION,
        header=HEADER.size,
        description=Topics.SENSOR_DESCRIPTION.value.number,
        scan=Topics.SCAN.value.number,
        end=Topics.END_OF_STREAM.value.number,
    )


def _table(*rows: tuple[str, ...]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *body)]
    return "\n".join(lines) + "\n"


def _topics() -> str:
    rows = [("number", "topic", "message", "direction", "rate", "reported as late after", "meaning")]
    for topic in Topics:
        t = topic.value
        rate = f"{t.rate_hz:g} Hz" if t.rate_hz else "on event"
        age = f"{t.max_age_s:g} s" if t.max_age_s else ""
        direction = {"in": "to the node", "out": "from the node", "truth": "simulator's journal only"}[t.direction]
        rows.append((str(t.number), f"`{t.name}`", f"`{t.type.__name__}`", direction, rate, age, t.meaning))
    return "## Topics\n\n" + _table(*rows)


def _frame() -> str:
    layout = "<" + "".join(code for code, *_ in HEADER_FIELDS)
    if layout != HEADER.format:
        raise AssertionError(f"header of the page {layout}: must be that of the codec, {HEADER.format}")
    data = encode(EXAMPLE, node="radar_1", boot=7, sequence=42, t_ns=EXAMPLE.t_ns, t_sent_ns=EXAMPLE.t_ns + 2_000_000)
    rows = [("offset", "bytes", "type", "field", "meaning", "example")]
    offset = 0
    for code, name, meaning in HEADER_FIELDS:
        size = struct.calcsize(f"<{code}")
        rows.append(
            (str(offset), str(size), TYPES[code], f"`{name}`", meaning, f"`{_hex(data[offset : offset + size])}`")
        )
        offset += size
    body = data[HEADER.size :]
    rows.append((str(offset), str(len(body)), "MessagePack map", "body", "the message", f"`{_hex(body)}`"))
    return f"""\
## Frame

Little-endian, {HEADER.size} bytes of header, then the body: one MessagePack map from field names to values. Arrays are
fixed in length where the message says so; a field with a default may be left out; an unknown field is refused.
The example is `end_of_stream` of node `radar_1`, boot 7, sequence 42, `t_ns` = {EXAMPLE.t_ns}, sent 2 ms later.

{_table(*rows)}
The whole example frame:

```
{textwrap.fill(_hex(data), 96)}
```
"""


def _hex(data: bytes) -> str:
    return data.hex(" ")


def _refusals() -> str:
    codec = ", ".join(f"`{reason.value}`" for reason in Refusal)
    return f"""\
## Why a frame is refused

By the decoder: {codec}.
By the node: `direction`, `identity`, `sender_id` (a node speaks for its own sensor or platform only), `clock_future`,
`clock_past`, `no_description`, `sequence_too_old`, `old_boot` (a boot lower than one already heard),
`too_many_senders`, `too_many_sensors`, `too_many_platforms`, `journal` (the node's disk does not take it).
Every refusal is a counter `refused.<code>` in `health`.
"""


def _block() -> str:
    rows = [("column", "name", "limits", "meaning")]
    for i, c in enumerate(detections.COLUMNS):
        rows.append((str(i), f"`{c.name}`", f"{c.low:g} .. {c.high:g}", c.meaning))
    return (
        "## The detection block of a scan\n\n"
        "`detections` is a byte string: rows of little-endian float64, one row a detection, "
        f"{len(detections.COLUMNS)} columns and then one column (0 .. 1) for each name in `class_names`. "
        "NaN marks what was not measured. An empty byte string is a look that saw nothing.\n\n" + _table(*rows)
    )


def _messages() -> str:
    parts = ["## Messages\n"]
    seen: list[type[Message]] = []
    queue: list[type[Message]] = [topic.value.type for topic in Topics]
    while queue:
        kind = queue.pop(0)
        if kind in seen:
            continue
        seen.append(kind)
        rows = [("field", "type and limits", "unit", "default")]
        for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
            queue += [t for t in _structs(field.type) if t not in seen]
            default = "required" if field.required else f"`{_default(field)}`"
            rows.append((f"`{field.name}`", describe(field.type), _unit(field.name), default))
        doc = textwrap.dedent("    " + (kind.__doc__ or "")).strip().replace("``", "`")
        parts.append(f"### {kind.__name__}\n\n{doc}\n\n{_table(*rows)}")
    return "\n".join(parts)


def _default(field: Any) -> object:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _unit(name: str) -> str:
    return next((UNITS[s] for s in sorted(UNITS, key=len, reverse=True) if name.endswith(s)), "")


def _structs(kind: Any) -> list[Any]:
    """Return the message types inside a field's type."""
    match kind:
        case msgspec.inspect.StructType():
            return [kind.cls]
        case msgspec.inspect.UnionType():
            return [s for t in kind.types for s in _structs(t)]
        case msgspec.inspect.VarTupleType():
            return _structs(kind.item_type)
        case msgspec.inspect.DictType():
            return _structs(kind.value_type)
    return []


def describe(kind: Any) -> str:
    """Return a field's type and limits in words."""
    match kind:
        case msgspec.inspect.IntType():
            return "integer" + _limits(kind)
        case msgspec.inspect.FloatType():
            return "float" + _limits(kind)
        case msgspec.inspect.BoolType():
            return "boolean"
        case msgspec.inspect.BytesType():
            return f"bytes, at most {kind.max_length}"
        case msgspec.inspect.StrType():
            short = f"1..{kind.max_length} of `A-Z a-z 0-9 _ . / : -`"
            return short if kind.pattern else f"text, at most {kind.max_length} characters"
        case msgspec.inspect.LiteralType():
            return " or ".join(f"`{value}`" for value in sorted(kind.values, key=str))
        case msgspec.inspect.NoneType():
            return "nil"
        case msgspec.inspect.UnionType():
            return " or ".join(describe(t) for t in kind.types)
        case msgspec.inspect.TupleType():
            return "array of " + ", ".join(describe(t) for t in kind.item_types)
        case msgspec.inspect.VarTupleType():
            return f"array{_length(kind)}: {describe(kind.item_type)}"
        case msgspec.inspect.DictType():
            return f"map from name to {describe(kind.value_type)}"
        case msgspec.inspect.StructType():
            return f"`{kind.cls.__name__}`"
    raise AssertionError(f"no words for {kind}")


def _limits(kind: Any) -> str:
    if kind.gt is not None and kind.le is not None:
        return f" more than {_number(kind.gt)}, at most {_number(kind.le)}"
    if kind.ge is not None and kind.le is not None:
        return f" {_number(kind.ge)} .. {_number(kind.le)}"
    return "" if kind.ge is None else f" {_number(kind.ge)} or more"


def _number(value: float) -> str:
    if isinstance(value, int) and value >= 2**53:
        return f"2^{value.bit_length() - 1}"
    return f"{value:g}"


def _length(kind: Any) -> str:
    if kind.min_length is not None and kind.min_length == kind.max_length:
        return f" of exactly {kind.min_length}"
    return f" of at most {kind.max_length}" if kind.max_length is not None else ""
