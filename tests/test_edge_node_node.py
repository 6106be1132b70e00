"""The node without its process: journal before answer, one fusion a frame, refusals by reason, honest health."""

from __future__ import annotations

from collections import Counter

import pytest
from edge_node_bench import Bench
from edge_node_fakes import (
    MS,
    UNPLACEABLE,
    description,
    fake_track,
    frame,
    pose,
    scan,
)

from edge_node.config import NodeConfig
from edge_node.outbox import track_sets
from messages.codec import MAX_FRAME_BYTES, decode, encode
from messages.journal import Kind, Record
from messages.topics import Topics
from messages.types import (
    Acknowledgement,
    EndOfStream,
    LatencyLedger,
    SensorStatus,
    TrackSet,
)


def scan_frame(number: int, t_ns: int, sequence: int | None = None, **how: int) -> bytes:
    return frame(scan("r1", number, t_ns), "r1", number if sequence is None else sequence, t_ns=t_ns, **how)


def test_an_accepted_frame_is_in_the_journal_before_it_is_answered_and_fused_after() -> None:
    bench = Bench()
    bench.introduce()
    data = scan_frame(1, 10 * MS)
    answer = bench.node.on_frame(b"r1", data, 0)
    assert answer is not None
    assert decode(answer).message == Acknowledgement(sequence=1, accepted=True)
    assert bench.inbound.records[-1] == (Kind.FRAME, 10 * MS, data)
    bench.node.finish()
    assert bench.tracker.fused == [("r1", 1)]


def test_a_frame_sent_again_is_answered_again_and_neither_journaled_nor_fused_twice() -> None:
    bench = Bench()
    bench.introduce()
    data = scan_frame(1, 10 * MS)
    assert [bench.give(data), bench.give(data)] == [Acknowledgement(sequence=1, accepted=True)] * 2
    bench.node.finish()
    assert bench.tracker.fused == [("r1", 1)]
    assert sum(kind == Kind.FRAME for kind, *_ in bench.inbound.records) == 2
    assert bench.node.counters()["duplicates"] == 1


def test_every_stage_of_a_scan_is_in_the_ledger_and_total_is_their_sum() -> None:
    bench = Bench()
    bench.introduce()
    bench.give(scan_frame(1, 10 * MS))
    bench.give(scan_frame(2, 14 * MS))
    bench.give(scan_frame(3, 16 * MS))
    (ledger,) = bench.said(Topics.LEDGER)
    assert isinstance(ledger, LatencyLedger)
    assert set(ledger.stages_ms) == {"decode", "journal", "ordering", "fusion", "threat", "publish", "total"}
    assert ledger.stages_ms["ordering"] == pytest.approx(5.0)
    assert ledger.stages_ms["fusion"] == pytest.approx(0.25)
    parts = sum(value for name, value in ledger.stages_ms.items() if name != "total")
    assert ledger.stages_ms["total"] == pytest.approx(parts)


def test_what_was_due_before_a_pose_came_is_fused_before_it_is_applied() -> None:
    early, late = Bench(NodeConfig()), Bench(NodeConfig())
    for bench, t_pose_ns in ((early, 14 * MS), (late, 16 * MS)):
        bench.introduce()
        bench.give(scan_frame(1, 10 * MS), t_arrival_ns=10 * MS)
        bench.give(frame(pose("tank_1", 0, yaw_rad=1.0), "tank_1", 0), b"tank_1", t_arrival_ns=t_pose_ns)
        bench.node.finish()
    moved, first = early.said(Topics.TRACKS)[0].tracks[0].state, late.said(Topics.TRACKS)[0].tracks[0].state
    fresh = Bench(NodeConfig())
    fresh.introduce()
    fresh.give(scan_frame(1, 10 * MS), t_arrival_ns=10 * MS)
    fresh.node.finish()
    assert first == fresh.said(Topics.TRACKS)[0].tracks[0].state
    assert moved != first


REFUSALS = [
    ("direction", b"r1", frame(Acknowledgement(sequence=0, accepted=True), "r1", 5)),
    ("identity", b"other", scan_frame(1, 0)),
    ("sender_id", b"r2", frame(scan("r1", 1, 0), "r2", 1)),
    ("sender_id", b"tank_1", frame(pose("tank_2/turret", 0), "tank_1", 1)),
    ("no_description", b"r9", frame(scan("r9", 1, 0), "r9", 1)),
    ("clock_future", b"r1", scan_frame(1, 800 * MS, t_sent_ns=0)),
    ("clock_future", b"r1", scan_frame(1, 0, t_sent_ns=3_600_000 * MS)),
    ("clock_past", b"r1", scan_frame(1, 0, t_sent_ns=20_000 * MS)),
    ("old_boot", b"r1", scan_frame(1, 0, boot=0)),
]


@pytest.mark.parametrize(("reason", "peer", "data"), REFUSALS)
def test_a_frame_that_may_not_pass_is_refused_with_its_counted_reason(reason: str, peer: bytes, data: bytes) -> None:
    bench = Bench()
    bench.introduce()
    answer = bench.give(data, peer)
    assert answer is not None
    assert not answer.accepted
    assert answer.reason.startswith(f"{reason}: ")
    assert answer.sequence == decode(data).sequence
    assert bench.node.counters()[f"refused.{reason}"] == 1
    assert len(bench.inbound.records) == 1  # the introduction only
    assert bench.node.clock.now_ns() == 0  # a refused frame does not move the clock


def test_tables_are_bounded_by_the_configuration() -> None:
    bench = Bench(NodeConfig(lock_step=True, sensors_max=2, senders_max=3))
    for name, reason in (("r1", None), ("r2", None), ("r3", "too_many_sensors"), ("tank_1", None), ("r5", "too_many")):
        message = pose(name, 0) if name == "tank_1" else description(name)
        answer = bench.give(frame(message, name, 0), name.encode())
        assert answer is not None
        assert answer.accepted == (reason is None)
        assert answer.reason.startswith(reason or "")


def test_a_damaged_frame_gets_no_answer_and_a_wrong_body_does() -> None:
    bench = Bench()
    bench.introduce()
    damaged = bytearray(scan_frame(1, 0))
    damaged[-1] ^= 1
    assert bench.give(bytes(damaged)) is None
    wrong = encode(scan("r1", 1, 0, range_m=-3.0), node="r1", boot=1, sequence=9, t_ns=0, t_sent_ns=0)
    answer = bench.give(wrong)
    assert answer is not None
    assert answer.sequence == 9
    assert "range_m = -3" in answer.reason
    assert {k: v for k, v in bench.node.counters().items() if k.startswith("refused")} == {
        "refused.crc": 1,
        "refused.block": 1,
    }


def test_gaps_are_counted_and_filled() -> None:
    bench = Bench()
    bench.introduce()
    bench.give(scan_frame(1, 10, 5))
    assert bench.node.counters()["frames_missing"] == 4
    bench.give(scan_frame(2, 11, 3))
    assert bench.node.counters()["frames_missing"] == 3


def test_a_scan_older_than_the_lag_is_counted_and_not_fused() -> None:
    bench = Bench()
    bench.introduce()
    bench.give(scan_frame(1, 5_000 * MS))
    bench.give(scan_frame(2, 5_010 * MS))
    answer = bench.give(scan_frame(3, 3_000 * MS, t_sent_ns=5_020 * MS))
    assert answer is not None
    assert answer.accepted  # it is in the journal
    bench.node.finish()
    assert bench.node.counters()["late_scans_refused"] == 1
    assert bench.node.counters()["late.scan"] == 1
    assert bench.node.counters()["scans_fused"] == 2


def test_a_scan_that_the_tracker_cannot_place_is_counted_and_named_and_the_next_is_fused() -> None:
    bench = Bench()
    bench.introduce()
    bench.give(scan_frame(UNPLACEABLE, 10 * MS))
    bench.give(scan_frame(UNPLACEABLE + 1, 20 * MS))
    bench.node.finish()
    assert bench.node.counters()["scans_unusable"] == 1
    assert bench.said(Topics.HEALTH)[-1].reasons == ("not fused: scan of r1: its platform has sent no pose",)
    assert bench.tracker.fused == [("r1", UNPLACEABLE + 1)]


def test_a_radar_that_falls_silent_for_5_s_is_named_on_health_with_its_limit() -> None:
    bench = Bench(NodeConfig())
    bench.introduce()
    for i in range(1, 20):
        bench.give(scan_frame(i, i * 100 * MS), t_arrival_ns=i * 100 * MS)
    assert bench.health().state == "NORMAL"
    bench.node.on_tick(6_900 * MS)
    bench.node.work()
    health = bench.said(Topics.HEALTH)[-1]
    assert health.state == "DEGRADED"
    assert health.reasons == ("r1: no scans for 5.0 s (limit 0.5 s)",)
    bench.give(scan_frame(20, 6_910 * MS), t_arrival_ns=6_910 * MS)
    assert bench.health().state == "NORMAL"


def test_a_sensor_that_said_goodbye_is_not_silent_and_the_stream_ends_with_the_last() -> None:
    bench = Bench()
    bench.introduce()
    assert not bench.node.streams_ended
    bench.give(frame(pose("tank_1", 0), "tank_1", 0), b"tank_1")
    bench.give(frame(EndOfStream(t_ns=1), "r1", 1))
    assert not bench.node.streams_ended
    bench.give(frame(EndOfStream(t_ns=1), "tank_1", 1), b"tank_1")
    assert bench.node.streams_ended
    bench.node.on_tick(60_000 * MS)
    assert bench.health().reasons == ()


def test_a_sensor_that_says_it_is_unwell_is_on_health() -> None:
    bench = Bench()
    bench.introduce()
    status = SensorStatus(sensor_id="r1", t_ns=0, state="FAILED", reason="motor stalled")
    bench.give(frame(status, "r1", 1))
    assert bench.health().reasons == ("r1: says FAILED: motor stalled",)


def test_health_comes_once_a_second_of_stream_time_and_names_fresh_refusals() -> None:
    bench = Bench()
    bench.introduce()
    for i in range(1, 31):
        bench.give(scan_frame(i, i * 100 * MS))
        if i == 15:
            bench.give(b"garbage")
    healths = bench.said(Topics.HEALTH)
    assert [h.t_ns for h in healths] == [0, 1_000 * MS, 2_000 * MS, 3_000 * MS]
    assert [h.state for h in healths] == ["NORMAL", "NORMAL", "DEGRADED", "NORMAL"]
    assert healths[2].reasons == ("refused 1 frames: short 1",)


def test_a_node_whose_disk_is_full_refuses_says_so_and_recovers() -> None:
    bench = Bench()
    bench.introduce()
    bench.inbound.full = bench.outbound.full = True
    answer = bench.give(scan_frame(1, 10 * MS))
    assert answer is not None
    assert not answer.accepted
    assert "No space left" in answer.reason
    assert "journal" in bench.health().reasons[-1]
    bench.inbound.full = bench.outbound.full = False
    again = bench.give(scan_frame(1, 10 * MS))
    assert again is not None
    assert again.accepted
    assert bench.health().reasons[0].startswith("outbound journal: 1 messages not written")


def test_the_journal_alone_makes_the_same_tracks_again() -> None:
    bench = Bench(NodeConfig())
    bench.introduce()
    for i in range(1, 300):
        late_ns = (i * 7919 % 13) * MS
        t_ns = i * 4 * MS
        bench.give(scan_frame(i, max(0, t_ns - late_ns)), t_arrival_ns=t_ns)
        if i % 10 == 0:
            bench.give(frame(pose("tank_1", t_ns), "tank_1", i, t_ns=t_ns), b"tank_1", t_arrival_ns=t_ns)
        if i % 17 == 0:
            bench.node.on_tick(t_ns + 3 * MS)
    bench.node.finish()
    again = Bench(NodeConfig())
    for n, (kind, t_ns, data) in enumerate(bench.inbound.records):
        again.node.repeat(Record(n, kind, t_ns, data))
    assert again.said(Topics.TRACKS) == bench.said(Topics.TRACKS)
    assert again.said(Topics.ALERT) == bench.said(Topics.ALERT)
    assert len(again.said(Topics.TRACKS)) == 299
    assert again.inbound.records == bench.inbound.records


def test_a_restarted_node_goes_on_as_if_it_had_never_stopped() -> None:
    whole = Bench()
    frames = [frame(description("r1"), "r1", 0)] + [scan_frame(i, i * 3 * MS) for i in range(1, 200)]
    for data in frames:
        whole.give(data)
    whole.node.finish()
    first, second = Bench(), Bench()
    for data in frames[:120]:
        first.give(data)
    second.inbound.records, second.outbound.records = list(first.inbound.records), list(first.outbound.records)
    sent = [decode(data).topic for _, _, data in first.outbound.records]
    second.node.restore((Record(n, *r) for n, r in enumerate(first.inbound.records)), Counter(sent))
    assert second.published == []
    for data in frames[110:]:  # the sender repeats what it has no answer for
        second.give(data)
    second.node.finish()
    bodies = [decode(data).message for _, _, data in second.outbound.records if decode(data).topic is Topics.TRACKS]
    assert bodies == whole.said(Topics.TRACKS)
    assert second.node.counters()["duplicates"] == 10


def test_a_large_picture_is_split_into_parts_that_fit_a_frame_and_lose_nothing() -> None:
    tracks = [fake_track(i + 1, 0, [0.1] * 6) for i in range(400)]
    sets = track_sets(tracks, t_ns=0, sensor_id="r1", scan=1)
    assert len(sets) > 1
    assert [s.part for s in sets] == list(range(len(sets)))
    assert {s.parts for s in sets} == {len(sets)}
    assert [t for s in sets for t in s.tracks] == tracks
    for s in sets:
        assert len(encode(s, node="node", boot=0, sequence=0, t_ns=0, t_sent_ns=0)) <= MAX_FRAME_BYTES
    assert track_sets([], t_ns=0, sensor_id="r1", scan=1) == [TrackSet(t_ns=0, sensor_id="r1", scan=1, tracks=())]
