"""The finished recording: all messages are in it, viewers' types decode, the same journals give the same bytes."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from edge_node_fakes import MS, description, fake_estimation, fake_track, pose, scan
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from edge_node import foxglove
from edge_node.config import NodeConfig
from edge_node.inprocess import InProcessNode
from edge_node.recording import VIEWS, RecordingError, root_schema, write_mcap
from edge_node.recover import recover
from edge_node.replay import ReplayError, replay
from messages.codec import decode, encode
from messages.frames import enu_from_body
from messages.journal import JournalReader, JournalWriter, Kind
from messages.sender import Sender
from messages.topics import Topics
from messages.truth import TruthSet, TruthState
from messages.types import EndOfStream, SensorScan


def truth_set(t_ns: int) -> TruthSet:
    target = TruthState(
        target_id="fpv_1",
        target_class="fpv",
        threat=True,
        airborne=True,
        position_m=(10.0, 20.0, 30.0),
        velocity_mps=(0.0, -20.0, 0.0),
        detection_probability={"r1": 0.9},
    )
    return TruthSet(t_ns=t_ns, targets=(target,), platforms=())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = NodeConfig(lock_step=True)
    ticks = iter(range(0, 10**12, 1000))
    with (
        InProcessNode(folder, config, parts=fake_estimation(config), perf_ns=lambda: next(ticks)) as node,
        JournalWriter(folder / "truth.journal") as truth,
    ):
        senders = {n: Sender(node.link(n), n, boot=1, now_s=time.monotonic, lock_step=True) for n in ("r1", "tank_1")}
        senders["r1"].send(description("r1"), t_ns=0, t_sent_ns=0)
        for i in range(1, 120):
            t_ns = i * 20 * MS
            senders["r1"].send(scan("r1", i, t_ns), t_ns=t_ns, t_sent_ns=t_ns)
            if i % 5 == 0:
                senders["tank_1"].send(pose("tank_1", t_ns, yaw_rad=1.0), t_ns=t_ns, t_sent_ns=t_ns)
                frame = encode(truth_set(t_ns), node="truth", boot=1, sequence=i, t_ns=t_ns, t_sent_ns=t_ns)
                truth.append(Kind.FRAME, t_ns, frame)
        for sender in senders.values():
            sender.send(EndOfStream(t_ns=t_ns), t_ns=t_ns, t_sent_ns=t_ns)
    return folder


def copy_journals(run: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for journal in run.glob("*.journal"):
        (folder / journal.name).write_bytes(journal.read_bytes())


def test_every_journaled_message_is_on_a_channel_of_its_own_and_reads_back_equal(run: Path) -> None:
    report = write_mcap(run)
    journaled: dict[str, list] = {}
    for name in ("inbound", "outbound", "truth"):
        for record in JournalReader(run / f"{name}.journal"):
            if record.kind == Kind.FRAME:
                frame = decode(record.frame)
                journaled.setdefault(f"/{frame.topic.value.name}/{frame.node}", []).append(frame.message)
    recorded: dict[str, list] = {}
    with report.path.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            assert schema is not None
            if not channel.topic.startswith("/view/"):
                topic = next(t for t in Topics if t.value.name == channel.topic.split("/")[1])
                assert (schema.name, schema.encoding) == (f"vedette.{topic.value.type.__name__}", "jsonschema")
                decoded = msgspec.json.decode(message.data, type=topic.value.type)
                recorded.setdefault(channel.topic, []).append(decoded)
    assert recorded == journaled
    assert {k: len(v) for k, v in journaled.items()}.items() <= report.messages.items()
    assert {"/scan/r1", "/platform_pose/tank_1", "/tracks/node", "/alert/node", "/truth/truth"} <= set(journaled)


def test_viewers_decode_tracks_truth_frames_and_alerts(run: Path) -> None:
    report = write_mcap(run)
    seen: Counter[str] = Counter()
    first: dict[str, object] = {}
    with report.path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for schema, channel, _, message in reader.iter_decoded_messages(topics=list(VIEWS)):
            seen[f"{channel.topic} {schema.name}"] += 1
            first.setdefault(channel.topic, message)
    assert seen["/view/truth foxglove.SceneUpdate"] == 23
    assert seen["/view/tf foxglove.FrameTransform"] == 23
    assert seen["/view/platforms foxglove.SceneUpdate"] == 1
    assert seen["/view/alerts foxglove.Log"] == report.messages["/alert/node"] > 0
    # Scans every 20 ms from 0.02 s to 2.38 s; a scene when 0.1 s of validity have begun.
    assert seen["/view/tracks foxglove.SceneUpdate"] == 24
    transform = first["/view/tf"]
    assert (transform.parent_frame_id, transform.child_frame_id) == ("enu", "tank_1")  # type: ignore[attr-defined]
    target = first["/view/truth"].entities[0]  # type: ignore[attr-defined]
    centre = target.spheres[0].pose.position
    assert (target.id, centre.x, centre.y, centre.z) == ("truth/fpv_1", 10.0, 20.0, 30.0)
    log = first["/view/alerts"]
    assert log.message == "WARNING track 1 at tank_1 (top): closing"  # type: ignore[attr-defined]


def test_the_same_journals_give_the_same_bytes(run: Path, tmp_path: Path) -> None:
    copy_journals(run, tmp_path / "again")
    assert write_mcap(run).path.read_bytes() == write_mcap(tmp_path / "again").path.read_bytes()


def test_every_topic_has_a_schema_that_names_its_fields() -> None:
    for topic in Topics:
        schema = root_schema(topic.value.type)
        assert schema["type"] == "object"
        assert set(schema["properties"]) == set(topic.value.type.__struct_fields__)


def test_after_a_cut_anywhere_a_recording_is_made_of_what_is_left_and_the_loss_is_named(
    run: Path, tmp_path: Path
) -> None:
    data = (run / "inbound.journal").read_bytes()
    copy_journals(run, tmp_path)
    for length in (8, 9, len(data) // 3, len(data) // 2, len(data) - 1):
        (tmp_path / "inbound.journal").write_bytes(data[:length])
        reader = JournalReader(tmp_path / "inbound.journal")
        whole = sum(r.kind == Kind.FRAME for r in reader)
        report = recover(tmp_path)
        inbound = sum(
            n
            for channel, n in report.recording.messages.items()
            if channel.split("/")[1] in ("scan", "sensor_description", "platform_pose", "end_of_stream")
        )
        assert inbound == whole
        assert report.complete == (reader.lost_bytes == 0)
        if reader.lost_bytes:
            assert f"{reader.lost_bytes} bytes lost" in report.recording.lost[0]
    (tmp_path / "outbound.journal").unlink()
    assert "outbound.journal: missing" in recover(tmp_path).recording.lost


def test_a_folder_without_journals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no journal"):
        recover(tmp_path)
    with pytest.raises(ReplayError, match="no such file"):
        replay(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_replay_finds_the_same_tracks_and_names_the_first_difference_in_a_changed_recording(
    run: Path, tmp_path: Path
) -> None:
    report = replay(run, build=fake_estimation)
    assert report.identical, report.first_difference
    assert (report.track_sets_recorded, report.track_sets_replayed) == (119, 119)
    assert report.alerts_replayed == report.alerts_recorded > 0
    records = list(JournalReader(run / "inbound.journal"))
    with JournalWriter(tmp_path / "inbound.journal") as changed:
        for record in records:
            frame = record.frame
            message = decode(frame).message if record.kind == Kind.FRAME else None
            if isinstance(message, SensorScan) and message.scan == 50:
                other = scan("r1", 50, message.t_ns, range_m=500.5)
                head = decode(frame)
                frame = encode(
                    other, node="r1", boot=1, sequence=head.sequence, t_ns=head.t_ns, t_sent_ns=head.t_sent_ns
                )
            changed.append(record.kind, record.t_arrival_ns, frame)
    (tmp_path / "outbound.journal").write_bytes((run / "outbound.journal").read_bytes())
    other = replay(tmp_path, build=fake_estimation)
    assert other.first_difference is not None
    assert other.first_difference.startswith("tracks 49: tracks[0].state[0]: recorded ")


def test_a_truncated_recording_is_replayed_up_to_the_cut(run: Path, tmp_path: Path) -> None:
    copy_journals(run, tmp_path)
    data = (run / "inbound.journal").read_bytes()
    (tmp_path / "inbound.journal").write_bytes(data[: len(data) // 2])
    report = replay(tmp_path, build=fake_estimation)
    assert 0 < report.track_sets_replayed < report.track_sets_recorded
    assert report.lost[0].startswith("inbound.journal: ")
    assert report.first_difference == f"tracks {report.track_sets_replayed}: recorded, but not replayed"


def test_replay_keeps_the_pace_it_is_told(run: Path) -> None:
    begin_s = time.monotonic()
    replay(run, build=fake_estimation, speed=5.0)
    assert time.monotonic() - begin_s >= 119 * 0.020 / 5.0 - 0.02 / 5.0


def test_attitudes_become_the_quaternion_of_the_same_rotation() -> None:
    rng = np.random.default_rng(4)
    for yaw, pitch, roll in [*rng.uniform(-np.pi, np.pi, (200, 3)), (0.0, 0.0, 0.0), (np.pi, 0.0, 0.0)]:
        rotation = enu_from_body(yaw, pitch, roll)
        x, y, z, w = foxglove.quaternion(rotation)
        assert abs(x * x + y * y + z * z + w * w - 1.0) < 1e-12
        vector = rng.normal(size=3)
        axis = np.array([x, y, z])
        turned = vector + 2.0 * np.cross(axis, np.cross(axis, vector) + w * vector)
        np.testing.assert_allclose(turned, rotation @ vector, atol=1e-12)


def test_a_tracks_body_spans_two_sigmas_along_each_axis() -> None:
    track = msgspec.structs.replace(
        fake_track(3, 0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        covariance=tuple(float(v) for v in [9, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 1, 0, 1]),
    )
    entity = foxglove.tracks_scene([track], 0).entities[0]
    size = entity.spheres[0].size
    assert (size.x, size.y, size.z) == (12.0, 16.0, 20.0)
    end = entity.lines[0].points[1]
    assert (end.x, end.y, end.z) == (5.0, 7.0, 9.0)
    assert entity.texts[0].text == "3 fpv"
