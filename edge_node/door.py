"""The door: every frame is decoded, its sender, clock and sequence are judged; what fails is refused by reason."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import NamedTuple

from edge_node.config import NodeConfig
from edge_node.duplicates import Duplicates, Verdict
from messages.codec import HEADER, Frame, FrameRefused, Refusal, decode
from messages.types import PlatformPose, SensorDescription, SensorHead, SensorScan, SensorStatus

# The header of a frame refused for one of these is whole (its CRC fits): the sender can be told which frame it was.
_ANSWERABLE = frozenset({Refusal.TOPIC, Refusal.NODE, Refusal.BODY, Refusal.NON_FINITE, Refusal.BLOCK})
_SEQUENCE_FIELD = 6


class Reason(str, Enum):
    """Why the node refuses a frame that is well formed; each is a counter, like those of the codec."""

    DIRECTION = "direction"
    IDENTITY = "identity"
    SENDER_ID = "sender_id"
    CLOCK_FUTURE = "clock_future"
    CLOCK_PAST = "clock_past"
    NO_DESCRIPTION = "no_description"
    SEQUENCE_TOO_OLD = "sequence_too_old"
    OLD_BOOT = "old_boot"
    TOO_MANY_SENDERS = "too_many_senders"
    TOO_MANY_SENSORS = "too_many_sensors"
    TOO_MANY_PLATFORMS = "too_many_platforms"
    JOURNAL = "journal"


class Refused(Exception):
    """A frame that may not pass; ``sequence`` is None where not even that can be trusted."""

    def __init__(self, reason: str, detail: str, sequence: int | None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.sequence = reason, sequence


class Admitted(NamedTuple):
    """A frame that passed, with its arrival on the node's clock; a duplicate is answered and goes no further."""

    frame: Frame
    t_arrival_ns: int
    duplicate: bool


class Door:
    """Judge frames; ``accept`` is called once a frame is in the journal and only then changes what the door knows."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self.duplicates = Duplicates(config.senders_max)
        self.refused: Counter[str] = Counter()
        self._described: set[str] = set()
        self._platforms: set[str] = set()

    def admit(self, peer: bytes, data: bytes, t_arrival_ns: int) -> Admitted:
        """Return the frame and its arrival, or raise Refused and count the reason."""
        try:
            frame = decode(data)
        except FrameRefused as error:
            sequence = HEADER.unpack_from(data)[_SEQUENCE_FIELD] if error.reason in _ANSWERABLE else None
            raise self._refuse(error.reason.value, str(error).partition(": ")[2], sequence) from None
        self._check_sender(peer, frame)
        verdict = self.duplicates.judge(frame.node, frame.boot, frame.sequence)
        if verdict is Verdict.DUPLICATE:
            return Admitted(frame, t_arrival_ns, duplicate=True)
        if verdict is not Verdict.NEW:
            raise self._refuse(verdict.value, f"{frame.node} boot {frame.boot} sequence {frame.sequence}", frame)
        t_arrival_ns = self._arrival(frame, t_arrival_ns)
        self._check_clock(frame, t_arrival_ns)
        self._check_introduced(frame)
        return Admitted(frame, t_arrival_ns, duplicate=False)

    def accept(self, frame: Frame) -> None:
        """Remember an admitted frame that is now in the journal."""
        self.duplicates.accept(frame.node, frame.boot, frame.sequence)
        if isinstance(frame.message, SensorDescription):
            self._described.add(frame.message.sensor_id)
        elif isinstance(frame.message, PlatformPose):
            self._platforms.add(frame.message.platform_id)

    def refuse_unwritten(self, frame: Frame, error: OSError) -> Refused:
        """Return the refusal of a frame that the journal could not take."""
        return self._refuse(Reason.JOURNAL.value, str(error), frame)

    def _refuse(self, reason: str, detail: str, frame: Frame | int | None) -> Refused:
        self.refused[reason] += 1
        return Refused(reason, detail, frame.sequence if isinstance(frame, Frame) else frame)

    def _check_sender(self, peer: bytes, frame: Frame) -> None:
        message, node = frame.message, frame.node
        if frame.topic.value.direction != "in":
            raise self._refuse(Reason.DIRECTION.value, f"{frame.topic.value.name}: not a topic for the node", frame)
        if peer != node.encode():
            detail = f"frame of node {node} from the connection of {peer!r}: connect with the node name as identity"
            raise self._refuse(Reason.IDENTITY.value, detail, frame)
        if isinstance(message, (SensorScan, SensorDescription, SensorHead, SensorStatus)) and message.sensor_id != node:
            detail = f"sensor_id = {message.sensor_id}: must be the sending node, {node}"
            raise self._refuse(Reason.SENDER_ID.value, detail, frame)
        if isinstance(message, PlatformPose) and message.platform_id.split("/", 1)[0] != node:
            detail = f"platform_id = {message.platform_id}: must be the sending node, {node}, or {node}/PART"
            raise self._refuse(Reason.SENDER_ID.value, detail, frame)

    def _arrival(self, frame: Frame, t_arrival_ns: int) -> int:
        """Return the arrival: the passed time, or in lock-step the sender's own time of sending if that is later."""
        if not self._config.lock_step:
            return t_arrival_ns
        limit_ns = t_arrival_ns + self._config.sent_jump_limit_ns
        if frame.t_sent_ns > limit_ns:
            detail = f"t_sent_ns = {frame.t_sent_ns}: must be <= {limit_ns}"
            raise self._refuse(Reason.CLOCK_FUTURE.value, detail, frame)
        return max(t_arrival_ns, frame.t_sent_ns)

    def _check_clock(self, frame: Frame, t_arrival_ns: int) -> None:
        message = frame.message
        timed = isinstance(message, (SensorScan, PlatformPose, SensorStatus))
        t_ns = message.t_ns if timed else frame.t_ns  # type: ignore[attr-defined]
        latest_ns = t_arrival_ns + self._config.future_limit_ns
        if t_ns > latest_ns:
            ahead_s = (t_ns - t_arrival_ns) / 1e9
            detail = f"t_ns = {t_ns}: {ahead_s:.3f} s ahead of arrival, limit {self._config.future_limit_ns / 1e9:g} s"
            raise self._refuse(Reason.CLOCK_FUTURE.value, detail, frame)
        # Only what is fused has to be recent: an introduction or a farewell may be as old as it likes.
        if timed and t_ns < t_arrival_ns - self._config.past_limit_ns:
            behind_s = (t_arrival_ns - t_ns) / 1e9
            detail = f"t_ns = {t_ns}: {behind_s:.3f} s behind arrival, limit {self._config.past_limit_ns / 1e9:g} s"
            raise self._refuse(Reason.CLOCK_PAST.value, detail, frame)

    def _check_introduced(self, frame: Frame) -> None:
        message = frame.message
        if isinstance(message, (SensorScan, SensorHead)) and message.sensor_id not in self._described:
            detail = f"{message.sensor_id}: send its sensor_description first"
            raise self._refuse(Reason.NO_DESCRIPTION.value, detail, frame)
        if (
            isinstance(message, SensorDescription)
            and message.sensor_id not in self._described
            and len(self._described) >= self._config.sensors_max
        ):
            detail = f"{message.sensor_id}: already {len(self._described)} sensors"
            raise self._refuse(Reason.TOO_MANY_SENSORS.value, detail, frame)
        if (
            isinstance(message, PlatformPose)
            and message.platform_id not in self._platforms
            and len(self._platforms) >= self._config.senders_max
        ):
            detail = f"{message.platform_id}: already {len(self._platforms)} platforms"
            raise self._refuse(Reason.TOO_MANY_PLATFORMS.value, detail, frame)
