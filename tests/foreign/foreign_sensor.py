"""A radar by somebody else: feeds a running node and prints the tracks that come back.

Written from ``docs/icd.md`` alone. It imports pyzmq and msgpack and nothing of the project, so that it
shows what a maker of sensors needs. It simulates one drone in straight flight and looks at it ten
times a second in real time; at the end it prints one JSON object and exits 0 if the drone was tracked.

    python foreign_sensor.py tcp://127.0.0.1:5570 tcp://127.0.0.1:5571 --seconds 8
"""

from __future__ import annotations

import argparse
import json
import math
import random
import struct
import sys
import time
import zlib
from typing import Any

import msgpack
import zmq

MAGIC, VERSION = b"VDTT", 1
HEADER = struct.Struct("<4sBBH24sQQqqII")
DESCRIPTION, SCAN, END_OF_STREAM, ACKNOWLEDGEMENT, TRACKS = 1, 2, 5, 6, 10
COLUMNS = 14  # of the detection block; ours are the first four and the signal-to-noise ratio
SNR_COLUMN = 8
SCAN_PERIOD_S = 0.1
RADAR_M = (20.0, -10.0, 3.0)  # ENU
START_M, VELOCITY_MPS = (250.0, 900.0, 120.0), (-6.0, -24.0, -2.0)
RANGE_SIGMA_M, AZIMUTH_SIGMA_RAD, ELEVATION_SIGMA_RAD, RATE_SIGMA_MPS = 3.0, 0.009, 0.014, 0.4
DETECTION_PROBABILITY, FALSE_ALARM_PER_SCAN = 0.9, 0.5
NAME = "foreign_radar"


def frame(topic: int, sequence: int, boot: int, t_ns: int, sent_ns: int, body: dict[str, Any]) -> bytes:
    """Return header, CRC and body of one message."""
    packed = msgpack.packb(body)
    head = HEADER.pack(
        MAGIC, VERSION, topic, 0, NAME.encode(), boot, sequence, t_ns, sent_ns, len(packed), 0
    )[:-4]  # fmt: skip
    return head + struct.pack("<I", zlib.crc32(packed, zlib.crc32(head))) + packed


def opened(data: bytes) -> tuple[int, int, int, dict[str, Any]]:
    """Return (topic, time of validity, time sent, body) of a frame, or raise ValueError."""
    fields = HEADER.unpack_from(data)
    body = data[HEADER.size :]
    if fields[0] != MAGIC or fields[1] != VERSION or fields[9] != len(body):
        raise ValueError("not a frame of this version")
    if fields[10] != zlib.crc32(body, zlib.crc32(data[: HEADER.size - 4])):
        raise ValueError("checksum")
    return fields[2], fields[7], fields[8], msgpack.unpackb(body)


def description() -> dict[str, Any]:
    """Return the sensor's introduction."""
    return {
        "sensor_id": NAME,
        "kind": "radar",
        "position_m": RADAR_M,
        "sigma": {
            "range_m": RANGE_SIGMA_M,
            "azimuth_rad": AZIMUTH_SIGMA_RAD,
            "elevation_rad": ELEVATION_SIGMA_RAD,
            "range_rate_mps": RATE_SIGMA_MPS,
        },
        "detection_probability": DETECTION_PROBABILITY,
        "clutter_per_scan": FALSE_ALARM_PER_SCAN,
        "field_of_view": {
            "range_m": (50.0, 2000.0),
            "azimuth_rad": (0.0, 2.0 * math.pi),
            "elevation_rad": (-0.05, 1.0),
            "range_rate_mps": (-60.0, 60.0),
        },
        "scan_period_s": SCAN_PERIOD_S,
    }


def target_m(t_s: float) -> tuple[float, ...]:
    """Return where the drone is, seconds after the first look."""
    return tuple(p + v * t_s for p, v in zip(START_M, VELOCITY_MPS, strict=True))


def look(t_s: float, chance: random.Random) -> bytes:
    """Return the detection block of one look."""
    rows = []
    if chance.random() < DETECTION_PROBABILITY:
        d = [a - b for a, b in zip(target_m(t_s), RADAR_M, strict=True)]
        range_m = math.sqrt(sum(x * x for x in d))
        rate = sum(x * v for x, v in zip(d, VELOCITY_MPS, strict=True)) / range_m
        rows.append(
            (
                range_m + chance.gauss(0.0, RANGE_SIGMA_M),
                (math.atan2(d[0], d[1]) + chance.gauss(0.0, AZIMUTH_SIGMA_RAD)) % (2.0 * math.pi),
                math.asin(d[2] / range_m) + chance.gauss(0.0, ELEVATION_SIGMA_RAD),
                rate + chance.gauss(0.0, RATE_SIGMA_MPS),
            )
        )
    if chance.random() < FALSE_ALARM_PER_SCAN:
        rows.append(
            (
                chance.uniform(50.0, 2000.0),
                chance.uniform(0.0, 2.0 * math.pi),
                chance.uniform(-0.05, 1.0),
                chance.uniform(-60.0, 60.0),
            )
        )
    block = b""
    for row in rows:
        columns = [math.nan] * COLUMNS
        columns[:4] = row
        columns[SNR_COLUMN] = 15.0
        block += struct.pack(f"<{COLUMNS}d", *columns)
    return block


class Radar:
    """The connection to the node: a DEALER for what we say, a SUB for what it says."""

    def __init__(self, ingest: str, publish: str) -> None:
        self.context = zmq.Context()
        self.dealer = self.context.socket(zmq.DEALER)
        self.dealer.setsockopt(zmq.IDENTITY, NAME.encode())
        self.dealer.setsockopt(zmq.LINGER, 1000)
        self.dealer.connect(ingest)
        self.sub = self.context.socket(zmq.SUB)
        self.sub.setsockopt(zmq.SUBSCRIBE, MAGIC + bytes((VERSION, TRACKS)))
        self.sub.connect(publish)
        self.boot, self.sequence = time.time_ns(), 0
        self.accepted, self.refused = 0, []  # type: int, list[str]
        self.offset_ns = 0  # node time minus our monotonic clock

    def now_ns(self) -> int:
        """Return the node's time now, as far as we know it."""
        return time.monotonic_ns() + self.offset_ns

    def say(self, topic: int, t_ns: int, body: dict[str, Any]) -> None:
        """Send one message."""
        self.dealer.send(frame(topic, self.sequence, self.boot, t_ns, max(t_ns, self.now_ns()), body))
        self.sequence += 1

    def hear_answers(self, timeout_ms: int) -> int | None:
        """Count the answers that are there; return the node's time in the last of them."""
        node_ns = None
        while self.dealer.poll(timeout_ms, zmq.POLLIN):
            topic, _, node_ns, body = opened(self.dealer.recv())
            if topic == ACKNOWLEDGEMENT and body["accepted"]:
                self.accepted += 1
            elif topic == ACKNOWLEDGEMENT:
                self.refused.append(body["reason"])
            timeout_ms = 0
        return node_ns

    def introduce(self, patience_s: float) -> None:
        """Send the description until the node answers, and set our clock by the time in its answer."""
        self.offset_ns = -time.monotonic_ns()
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s:
            asked_ns = time.monotonic_ns()
            self.say(DESCRIPTION, 0, description())
            node_ns = self.hear_answers(1000)
            if node_ns is not None:
                self.offset_ns = node_ns - (asked_ns + time.monotonic_ns()) // 2
                return
        raise SystemExit(f"no answer from the node within {patience_s:g} s")

    def hear_tracks(self) -> list[dict[str, Any]]:
        """Return the tracks that were published since the last call."""
        found: list[dict[str, Any]] = []
        while self.sub.poll(0, zmq.POLLIN):
            topic, _, _, body = opened(self.sub.recv())
            found += body["tracks"] if topic == TRACKS else []
        return found


def fly(radar: Radar, seconds: float, chance: random.Random) -> list[tuple[int, float]]:
    """Look at the drone in real time; return (track id, distance from the drone) of each track heard."""
    start_ns = radar.now_ns()
    heard: list[tuple[int, float]] = []
    for scan in range(round(seconds / SCAN_PERIOD_S)):
        t_ns = start_ns + round(scan * SCAN_PERIOD_S * 1e9)
        time.sleep(max(0.0, (t_ns - radar.now_ns()) / 1e9))
        block = look((t_ns - start_ns) / 1e9, chance)
        radar.say(SCAN, t_ns, {"sensor_id": NAME, "scan": scan, "t_ns": t_ns, "detections": block})
        radar.hear_answers(0)
        for track in radar.hear_tracks():
            error_m = math.dist(track["state"][:3], target_m((track["t_ns"] - start_ns) / 1e9))
            heard.append((track["track_id"], error_m))
            print(f"track {track['track_id']} {track['status']} {error_m:.1f} m from the drone", file=sys.stderr)
    return heard


def main() -> int:
    """Introduce the radar, fly, say goodbye and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("ingest")
    options.add_argument("publish")
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--patience", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    radar = Radar(given.ingest, given.publish)
    radar.introduce(given.patience)
    heard = fly(radar, given.seconds, random.Random(given.seed))
    radar.say(END_OF_STREAM, radar.now_ns(), {"t_ns": radar.now_ns()})
    until_s = time.monotonic() + 5.0
    while radar.accepted + len(radar.refused) < radar.sequence and time.monotonic() < until_s:
        radar.hear_answers(200)
    late = [error_m for _, error_m in heard[len(heard) // 2 :]]
    report = {
        "sent": radar.sequence,
        "accepted": radar.accepted,
        "refused": radar.refused,
        "track_ids": sorted({track_id for track_id, _ in heard}),
        "reports": len(heard),
        "median_error_m": sorted(late)[len(late) // 2] if late else None,
    }
    print(json.dumps(report))
    return 0 if late and report["median_error_m"] < 50.0 else 1


if __name__ == "__main__":
    sys.exit(main())
