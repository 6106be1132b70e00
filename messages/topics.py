"""The topic table: topic -> number on the wire, type, nominal rate, maximum age, recorded or not.

Sockets, health limits, recorder channels and ``docs/icd.md`` are derived from this table.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, NamedTuple

from messages import truth, types

Direction = Literal["in", "out", "truth"]


class Topic(NamedTuple):
    """One row of the table."""

    number: int
    name: str
    type: type[types.Message]
    direction: Direction
    rate_hz: float  # nominal; 0: on event
    max_age_s: float  # older at arrival is reported by health; 0: no limit
    recorded: bool
    meaning: str


class Topics(Enum):
    """THE table. ``in``: to the node; ``out``: from the node; ``truth``: simulator to its own journal."""

    SENSOR_DESCRIPTION = Topic(
        1, "sensor_description", types.SensorDescription, "in", 0, 0, True, "a sensor introduces itself"
    )
    SCAN = Topic(2, "scan", types.SensorScan, "in", 10, 1.0, True, "one sensor's one look")
    PLATFORM_POSE = Topic(
        3, "platform_pose", types.PlatformPose, "in", 10, 0.5, True, "own pose of a platform or its turret"
    )
    SENSOR_STATUS = Topic(4, "sensor_status", types.SensorStatus, "in", 1, 3.0, True, "a sensor's health")
    END_OF_STREAM = Topic(5, "end_of_stream", types.EndOfStream, "in", 0, 0, True, "a sender has finished")
    ACKNOWLEDGEMENT = Topic(
        6, "acknowledgement", types.Acknowledgement, "out", 0, 0, False, "answer to one inbound frame"
    )
    SENSOR_HEAD = Topic(7, "sensor_head", types.SensorHead, "in", 0, 0, True, "a sensor says that it can be pointed")
    TRACKS = Topic(10, "tracks", types.TrackSet, "out", 50, 0.5, True, "confirmed and coasting tracks after a scan")
    ALERT = Topic(11, "alert", types.Alert, "out", 0, 0, True, "a message to the crew")
    LEDGER = Topic(12, "ledger", types.LatencyLedger, "out", 50, 0, True, "wall-clock cost of a scan by stage")
    HEALTH = Topic(13, "health", types.NodeHealth, "out", 1, 3.0, True, "the node's health and counters")
    SENSOR_CUE = Topic(14, "sensor_cue", types.SensorCue, "out", 10, 0.5, True, "where one sensor is asked to look")
    TRUTH = Topic(20, "truth", truth.TruthSet, "truth", 10, 0, True, "what really was there")


BY_NUMBER: dict[int, Topics] = {t.value.number: t for t in Topics}
BY_TYPE: dict[type[types.Message], Topics] = {t.value.type: t for t in Topics}
