"""The node with the real tracker: a target is tracked on either time base, replay and restart give the same bits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from edge_node_fakes import MS, ListJournal, frame

from edge_node.config import NodeConfig
from edge_node.estimation import build
from edge_node.node import FusionNode
from messages.codec import decode
from messages.detections import INDEX, empty_rows, pack
from messages.frames import azimuth_elevation_range
from messages.journal import Kind, Record
from messages.topics import Topics
from messages.types import FieldOfView, MeasurementSigma, PlatformPose, SensorDescription, SensorScan, TrackSet

SIGMA_M, SIGMA_RAD = 5.0, 0.01
N_SCANS = 60
UNIX_NS = 1_790_000_000_000_000_000


def target_m(i: int) -> np.ndarray:
    """A drone that closes from 900 m north-east at 20 m/s, scan i at 10 Hz."""
    return np.array([600.0, 670.0, 60.0]) - np.array([13.4, 14.9, 1.0]) * 0.1 * i


def stream(start_ns: int) -> list[tuple[bytes, bytes, int]]:
    """Return (peer, frame, arrival): a tank with a radar, a little noise, two late scans."""
    rng = np.random.default_rng(11)
    radar = SensorDescription(
        sensor_id="tank_1_radar",
        kind="radar",
        platform_id="tank_1",
        sigma=MeasurementSigma(range_m=SIGMA_M, azimuth_rad=SIGMA_RAD, elevation_rad=SIGMA_RAD),
        clutter_per_scan=0.5,
        field_of_view=FieldOfView(range_m=(50.0, 2000.0), azimuth_rad=(0.0, 6.2), elevation_rad=(-0.1, 1.0)),
        scan_period_s=0.1,
    )
    pose = PlatformPose(platform_id="tank_1", t_ns=start_ns, position_m=(0.0, 0.0, 0.0), yaw_rad=0.0, defended=True)
    made = [
        (b"tank_1", frame(pose, "tank_1", 0, t_ns=start_ns), start_ns),
        (b"tank_1_radar", frame(radar, "tank_1_radar", 0, t_ns=start_ns), start_ns),
    ]
    for i in range(1, N_SCANS):
        t_ns = start_ns + i * 100 * MS
        azimuth, elevation, range_m = azimuth_elevation_range(target_m(i))
        rows = empty_rows(1)
        rows[0, INDEX["range_m"]] = range_m + SIGMA_M * rng.normal()
        rows[0, INDEX["azimuth_rad"]] = azimuth + SIGMA_RAD * rng.normal()
        rows[0, INDEX["elevation_rad"]] = elevation + SIGMA_RAD * rng.normal()
        scan = SensorScan(sensor_id="tank_1_radar", scan=i, t_ns=t_ns, detections=pack(rows))
        delay_ns = 250 * MS if i in (20, 40) else 10 * MS
        arrival_ns = t_ns + delay_ns
        made.append((b"tank_1_radar", frame(scan, "tank_1_radar", i, t_ns=t_ns, t_sent_ns=arrival_ns), arrival_ns))
    return sorted(made, key=lambda item: item[2])


class Bench:
    def __init__(self, config: NodeConfig) -> None:
        self.inbound, self.outbound = ListJournal(), ListJournal()
        self.published: list[bytes] = []
        self.node = FusionNode(
            config,
            build(config),
            inbound=self.inbound,
            outbound=self.outbound,
            publish=self.published.append,
            perf_ns=lambda: 0,
        )
        self.node.warming = False

    def give(self, item: tuple[bytes, bytes, int]) -> None:
        answer = self.node.on_frame(*item)
        assert answer is not None
        assert decode(answer).message.accepted, decode(answer).message  # type: ignore[union-attr]
        self.node.work()

    def said(self, topic: Topics) -> list:
        frames = (decode(data) for _, _, data in self.outbound.records)
        return [f.message for f in frames if f.topic is topic]

    def records(self) -> list[Record]:
        return [Record(i, *record) for i, record in enumerate(self.inbound.records)]


@pytest.fixture(scope="module")
def whole() -> Bench:
    bench = Bench(NodeConfig())
    for item in stream(0):
        bench.give(item)
    bench.node.finish()
    return bench


@pytest.mark.parametrize("start_ns", [0, UNIX_NS])
def test_a_closing_target_is_tracked_on_the_time_of_a_run_and_on_unix_time(start_ns: int) -> None:
    bench = Bench(NodeConfig())
    for item in stream(start_ns):
        bench.give(item)
    bench.node.finish()
    assert bench.node.counters()["scans_fused"] == N_SCANS - 1
    last = bench.said(Topics.TRACKS)[-1]
    assert isinstance(last, TrackSet)
    assert last.t_ns == start_ns + (N_SCANS - 1) * 100 * MS
    (track,) = last.tracks
    # Six sigmas of one radar plot at 800 m, across: the filter must do better than a single plot does at its worst.
    assert np.linalg.norm(np.array(track.state[:3]) - target_m(N_SCANS - 1)) < 6.0 * SIGMA_RAD * 800.0
    assert track.status == "confirmed"


def test_the_journal_alone_makes_the_same_bits_again(whole: Bench) -> None:
    again = Bench(NodeConfig())
    for record in whole.records():
        again.node.repeat(record)
    assert again.said(Topics.TRACKS) == whole.said(Topics.TRACKS)
    assert again.said(Topics.ALERT) == whole.said(Topics.ALERT)


def test_a_restart_in_the_middle_leaves_no_trace_in_the_tracks(whole: Bench) -> None:
    first, second = Bench(NodeConfig()), Bench(NodeConfig())
    made = stream(0)
    for item in made[:35]:
        first.give(item)
    second.inbound.records, second.outbound.records = list(first.inbound.records), list(first.outbound.records)
    sent = Counter(decode(data).topic for _, _, data in first.outbound.records)
    second.node.restore(first.records(), sent)
    for item in made[33:]:
        second.give(item)
    second.node.finish()
    assert second.said(Topics.TRACKS) == whole.said(Topics.TRACKS)
    assert sum(kind == Kind.FRAME for kind, *_ in second.inbound.records) == len(made)


def test_late_scans_inside_the_lag_end_in_the_same_track_as_scans_in_order(whole: Bench) -> None:
    punctual = Bench(NodeConfig())
    for peer, data, _ in sorted(stream(0), key=lambda item: decode(item[1]).t_ns):
        punctual.give((peer, data, decode(data).t_ns + 10 * MS))
    punctual.node.finish()
    assert punctual.said(Topics.TRACKS)[-1] == whole.said(Topics.TRACKS)[-1]
