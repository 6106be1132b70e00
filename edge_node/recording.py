"""The finished recording: ``engagement.mcap`` made from the journals of a run folder, and checked.

Every wire message is on a channel ``/<topic>/<node>`` as JSON with its JSON Schema; tracks, truth,
platforms and alerts are on ``/view/...`` as Foxglove protobuf messages that common viewers draw. The content
depends only on the journals. The journals stay: they are the input of replay, this is for eyes and tools.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import build_file_descriptor_set

from edge_node import foxglove
from edge_node.journals import INBOUND, OUTBOUND, TRUTH
from messages.codec import Frame, FrameRefused, decode
from messages.journal import JournalReader, Kind
from messages.topics import Topics
from messages.truth import TruthSet
from messages.types import Alert, PlatformPose, TrackSet

NAME = "engagement.mcap"
SCENE_PERIOD_NS = 100_000_000  # 10 Hz is what an eye follows; every track set is on its own channel anyway
LIBRARY = "vedette"  # in the file's header in place of the writer's version: same journals, same bytes
VIEWS: dict[str, Any] = {
    "/view/tracks": SceneUpdate,
    "/view/truth": SceneUpdate,
    "/view/platforms": SceneUpdate,
    "/view/tf": FrameTransform,
    "/view/alerts": Log,
}


class RecordingError(ValueError):
    """A recording that could not be made; the text names the file and what is wrong."""


class RecordingReport(NamedTuple):
    """What went into the recording."""

    path: Path
    messages: dict[str, int]
    """Number of messages by channel."""
    lost: tuple[str, ...]
    """One sentence a journal that is missing, or whose end could not be read; empty where all was there."""


class Heard(NamedTuple):
    """One journaled frame, decoded."""

    t_arrival_ns: int
    frame: Frame


def write_mcap(folder: Path) -> RecordingReport:
    """Make ``engagement.mcap`` from the journals of a folder, read it back, and return what it holds.

    Raises RecordingError where no journal is there, or where what was read back is not what was written.
    The file appears under its name only when it is whole.
    """
    readers = {name: JournalReader(folder / name) for name in (INBOUND, OUTBOUND, TRUTH) if (folder / name).is_file()}
    if not readers:
        raise RecordingError(f"{folder}: holds no journal ({INBOUND}): name a run folder")
    path, part = folder / NAME, folder / f"{NAME}.part"
    try:
        with part.open("wb") as file:
            written = _write(file, [_frames(reader) for reader in readers.values()])
            os.fsync(file.fileno())
    except BaseException:
        part.unlink()
        raise
    read = count_messages(part)
    if read != written:
        raise RecordingError(f"{part}: {sum(read.values())} messages read back, {sum(written.values())} written")
    part.replace(path)
    lost = [reader.summary() for reader in readers.values() if reader.lost_bytes]
    lost += [f"{name}: missing" for name in (INBOUND, OUTBOUND) if name not in readers]
    return RecordingReport(path, dict(sorted(written.items())), tuple(lost))


def count_messages(path: Path) -> Counter[str]:
    """Return the number of messages by channel, by reading every one of them (checksums included)."""
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        return Counter(channel.topic for _, channel, _ in reader.iter_messages(log_time_order=False))


def root_schema(message_type: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a message with its type at the root, as viewers want it."""
    schema = msgspec.json.schema(message_type)
    definitions = schema.get("$defs", {})
    root = definitions.get(message_type.__name__, schema)
    return {**root, "$defs": definitions}


def _frames(reader: JournalReader) -> Iterator[Heard]:
    for record in reader:
        if record.kind == Kind.FRAME:
            try:
                frame = decode(record.frame)
            except FrameRefused as error:
                raise RecordingError(f"{reader.path}: record {record.sequence}: {error}") from None
            yield Heard(record.t_arrival_ns, frame)


def _write(file: BinaryIO, sources: list[Iterator[Heard]]) -> Counter[str]:
    writer = Writer(file, compression=CompressionType.ZSTD)
    writer.start(profile="", library=LIBRARY)
    channels = _Channels(writer)
    scenes = _Scenes(channels)
    for heard in heapq.merge(*sources, key=lambda h: h.t_arrival_ns):
        channels.wire(heard)
        scenes.add(heard)
    writer.finish()
    return channels.counts


class _Channels:
    """The channels of the file, registered as they are first used; counts what is written to each."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def wire(self, heard: Heard) -> None:
        """Write one wire message as JSON."""
        frame = heard.frame
        topic = frame.topic.value
        name = f"/{topic.name}/{frame.node}"
        if name not in self._channels:
            metadata = {"node": frame.node, "direction": topic.direction, "meaning": topic.meaning}
            schema_id = self._json_schema(frame.topic)
            self._channels[name] = self._writer.register_channel(name, "json", schema_id, metadata)
        data = msgspec.json.encode(frame.message)
        self._add(name, heard.t_arrival_ns, max(frame.t_sent_ns, 0), data, frame.sequence & 0xFFFFFFFF)

    def view(self, name: str, t_log_ns: int, message: Any) -> None:
        """Write one Foxglove message."""
        if name not in self._channels:
            self._channels[name] = self._writer.register_channel(name, "protobuf", self._protobuf_schema(VIEWS[name]))
        self._add(name, t_log_ns, t_log_ns, message.SerializeToString(deterministic=True), self.counts[name])

    def _add(self, name: str, t_log_ns: int, t_publish_ns: int, data: bytes, sequence: int) -> None:
        self._writer.add_message(self._channels[name], t_log_ns, data, t_publish_ns, sequence)
        self.counts[name] += 1

    def _json_schema(self, topic: Topics) -> int:
        name = f"vedette.{topic.value.type.__name__}"
        if name not in self._schemas:
            data = msgspec.json.encode(root_schema(topic.value.type))
            self._schemas[name] = self._writer.register_schema(name, "jsonschema", data)
        return self._schemas[name]

    def _protobuf_schema(self, message_class: Any) -> int:
        name = message_class.DESCRIPTOR.full_name
        if name not in self._schemas:
            data = build_file_descriptor_set(message_class).SerializeToString(deterministic=True)
            self._schemas[name] = self._writer.register_schema(name, "protobuf", data)
        return self._schemas[name]


class _Scenes:
    """Turn wire messages into what viewers draw, scenes at most at their own rate."""

    def __init__(self, channels: _Channels) -> None:
        self._channels = channels
        self._next_scene_ns = 0
        self._parts: list[TrackSet] = []
        self._platforms: set[str] = set()

    def add(self, heard: Heard) -> None:
        """Take one wire message."""
        message, t_ns = heard.frame.message, heard.t_arrival_ns
        if isinstance(message, TrackSet):
            self._tracks(message, t_ns)
        elif isinstance(message, TruthSet):
            self._channels.view("/view/truth", t_ns, foxglove.truth_scene(message))
        elif isinstance(message, PlatformPose):
            self._channels.view("/view/tf", t_ns, foxglove.platform_transform(message))
            if message.platform_id not in self._platforms:
                self._platforms.add(message.platform_id)
                self._channels.view("/view/platforms", t_ns, foxglove.platform_scene(message))
        elif isinstance(message, Alert):
            self._channels.view("/view/alerts", t_ns, foxglove.alert_log(message))

    def _tracks(self, message: TrackSet, t_log_ns: int) -> None:
        if message.part == 0:
            self._parts = []
        self._parts.append(message)
        if message.part + 1 < message.parts or message.t_ns < self._next_scene_ns:
            return
        self._next_scene_ns = message.t_ns - message.t_ns % SCENE_PERIOD_NS + SCENE_PERIOD_NS
        tracks = [track for part in self._parts for track in part.tracks]
        self._channels.view("/view/tracks", t_log_ns, foxglove.tracks_scene(tracks, message.t_ns))
