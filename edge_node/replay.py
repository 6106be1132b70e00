"""Feed a recording through a new node and say whether its tracks and alerts are the recorded ones, bit by bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge_node import estimation
from edge_node.config import Backend, NodeConfig
from edge_node.journals import INBOUND, OUTBOUND, recorded_config, topic_of
from edge_node.node import FusionNode
from edge_node.outbox import REPEATABLE
from messages.codec import HEADER, decode
from messages.journal import JournalReader, Kind
from messages.topics import Topics
from messages.types import NodeHealth


class ReplayError(ValueError):
    """A recording that cannot be replayed; the text names the file and what is wrong with it."""


class ReplayReport(NamedTuple):
    """What a replay found."""

    frames: int
    track_sets_recorded: int
    track_sets_replayed: int
    alerts_recorded: int
    alerts_replayed: int
    first_difference: str | None
    lost: tuple[str, ...]
    """One sentence a journal whose end could not be read."""
    stopped: bool = False
    """The replay was stopped before its end; what was compared until then is in the report."""

    @property
    def identical(self) -> bool:
        """Whether every recorded track set and alert came out again, bit by bit, and nothing else did."""
        return self.first_difference is None


class Progress(NamedTuple):
    """Where a replay is."""

    t_ns: int
    published: bytes | None
    """A frame that the node has just published, or None where only time has passed."""


class _Nowhere:
    def append(self, kind: int, t_arrival_ns: int, frame: bytes) -> int:
        return 0


class _Comparison:
    """Compare published frames with the recorded ones of the same topic, in order, as they come."""

    def __init__(self, outbound: Path) -> None:
        self._recorded = {topic: _bodies(outbound, topic) for topic in REPEATABLE}
        self.recorded = dict.fromkeys(REPEATABLE, 0)
        self.replayed = dict.fromkeys(REPEATABLE, 0)
        self.first_difference: str | None = None

    def published(self, frame: bytes) -> None:
        """Take one frame of the node."""
        topic = topic_of(frame)
        if topic not in REPEATABLE:
            return
        self.replayed[topic] += 1
        recorded = next(self._recorded[topic], None)
        if recorded is None:
            self._differ(topic, "not in the recording")
            return
        self.recorded[topic] += 1
        if recorded != frame[HEADER.size :]:
            self._differ(topic, f"{_first_changed_field(recorded, frame, topic)}")

    def finish(self, *, stopped: bool) -> None:
        """Count what the recording holds beyond the replayed messages."""
        for topic in sorted(REPEATABLE, key=lambda t: t.value.number):
            rest = sum(1 for _ in self._recorded[topic])
            self.recorded[topic] += rest
            if rest and not stopped and self.first_difference is None:
                self.first_difference = f"{topic.value.name} {self.replayed[topic]}: recorded, but not replayed"

    def _differ(self, topic: Topics, how: str) -> None:
        if self.first_difference is None:
            self.first_difference = f"{topic.value.name} {self.replayed[topic] - 1}: {how}"


def replay(
    folder: Path,
    *,
    speed: float | Literal["max"] = "max",
    backend: Backend | None = None,
    build: Callable[[NodeConfig], estimation.Estimation] = estimation.build,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> ReplayReport:
    """Replay the journals of a run folder and compare what comes out with what is recorded.

    ``speed`` paces the recorded times of arrival (``max``: no pacing). Another ``backend`` than the
    recorded one is allowed, and will differ. Raises ReplayError where there is nothing to replay.
    """
    inbound, outbound = folder / INBOUND, folder / OUTBOUND
    config = _configuration(inbound, backend)
    comparison = _Comparison(outbound)

    def publish(frame: bytes) -> None:
        comparison.published(frame)
        on_progress(Progress(node.clock.now_ns(), frame))

    node = FusionNode(
        config,
        build(config),
        inbound=_Nowhere(),
        outbound=_Nowhere(),
        publish=publish,
        perf_ns=time.perf_counter_ns,
    )
    node.warming = False
    reader = JournalReader(inbound)
    frames, stopped = 0, False
    wait_until = _pacer(speed)
    for record in reader:
        if stop():
            stopped = True
            break
        if record.kind != Kind.CONFIG:
            wait_until(record.t_arrival_ns)
        node.repeat(record)
        frames += record.kind == Kind.FRAME
        on_progress(Progress(record.t_arrival_ns, None))
    comparison.finish(stopped=stopped)
    return ReplayReport(
        frames=frames,
        track_sets_recorded=comparison.recorded[Topics.TRACKS],
        track_sets_replayed=comparison.replayed[Topics.TRACKS],
        alerts_recorded=comparison.recorded[Topics.ALERT],
        alerts_replayed=comparison.replayed[Topics.ALERT],
        first_difference=comparison.first_difference,
        lost=tuple(_lost(reader, outbound)),
        stopped=stopped,
    )


def last_health(folder: Path) -> NodeHealth | None:
    """Return the last health message of a recording; None where there is none."""
    last: bytes | None = None
    for record in JournalReader(folder / OUTBOUND):
        if topic_of(record.frame) is Topics.HEALTH:
            last = record.frame
    message = decode(last).message if last is not None else None
    return message if isinstance(message, NodeHealth) else None


def _configuration(inbound: Path, backend: Backend | None) -> NodeConfig:
    if not inbound.is_file():
        raise ReplayError(f"{inbound}: no such file: name a run folder that holds its journals")
    config = recorded_config(inbound)
    if config is None:
        raise ReplayError(f"{inbound}: holds no whole record: nothing can be replayed")
    return config if backend is None else msgspec.structs.replace(config, backend=backend)


def _bodies(outbound: Path, topic: Topics) -> Iterator[bytes]:
    if outbound.is_file():
        for record in JournalReader(outbound):
            if topic_of(record.frame) is topic:
                yield record.frame[HEADER.size :]


def _lost(inbound: JournalReader, outbound: Path) -> Iterator[str]:
    readers = [inbound]
    if outbound.is_file():
        readers.append(JournalReader(outbound))
        for _ in readers[-1]:
            pass
    yield from (reader.summary() for reader in readers if reader.lost_bytes)


def _pacer(speed: float | Literal["max"]) -> Callable[[int], None]:
    """Return a function that waits until an arrival's turn; the first arrival sets the zero."""
    if speed == "max":
        return lambda _: None
    start: list[tuple[float, int]] = []

    def wait_until(t_ns: int) -> None:
        if not start:
            start.append((time.monotonic(), t_ns))
        start_s, first_ns = start[0]
        ahead_s = start_s + (t_ns - first_ns) / 1e9 / speed - time.monotonic()
        if ahead_s > 0.0:
            time.sleep(ahead_s)

    return wait_until


def _first_changed_field(recorded: bytes, frame: bytes, topic: Topics) -> str:
    """Return the path of the first field in which two messages of a topic differ, with both values."""
    old = msgspec.to_builtins(msgspec.msgpack.decode(recorded, type=topic.value.type))
    new = msgspec.to_builtins(decode(frame).message)
    return _difference("", old, new) or "the bytes differ, the values do not"


def _difference(path: str, old: object, new: object) -> str | None:
    if isinstance(old, dict) and isinstance(new, dict) and list(old) == list(new):
        pairs = [(f"{path}.{key}" if path else str(key), old[key], new[key]) for key in old]
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(old, new, strict=True))]
    else:
        same = old == new
        return None if same else f"{path}: recorded {old!r}, replayed {new!r}"[:300]
    return next((found for where, a, b in pairs if (found := _difference(where, a, b)) is not None), None)
