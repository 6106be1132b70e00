"""Cues on their way from the node to the sensor that they are meant for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from edge_node_bench import Bench
from edge_node_fakes import (
    MS,
    description,
    fake_estimation,
    frame,
    scan,
)
from msgspec import structs

from edge_node import estimation
from edge_node.config import NodeConfig
from edge_node.cueing import CueScheduler
from edge_node.inprocess import InProcessNode
from messages.codec import decode
from messages.journal import Record
from messages.sender import Sender
from messages.topics import Topics
from messages.types import (
    FieldOfView,
    SensorCue,
    SensorHead,
)


def cued_bench(config: NodeConfig | None = None) -> Bench:
    """A node whose radar can be pointed (the fake tracker's track is within a metre of it), and a second sensor."""
    bench = Bench(config)
    bench.node._cues = CueScheduler()
    fov = FieldOfView(range_m=(0.0, 2000.0))
    for name in ("r1", "r2"):
        bench.give(frame(structs.replace(description(name), field_of_view=fov), name, 0), name.encode())
    head = SensorHead(sensor_id="r1", horizontal_rad=0.1, vertical_rad=0.1, slew_rate_radps=1.0)
    answer = bench.give(frame(head, "r1", 1))
    assert answer is not None
    assert answer.accepted
    return bench


def test_the_newest_cue_waits_for_the_next_answer_to_its_own_sensor() -> None:
    bench = cued_bench()
    for i in range(2, 9):
        bench.give(frame(scan("r2", i, i * 60 * MS), "r2", i, t_ns=i * 60 * MS), b"r2")
    cues = bench.said(Topics.SENSOR_CUE)
    assert len(cues) >= 2
    assert bench.node.counters()["cues"] == len(cues)
    assert bench.node.mail(b"r2") is None
    mail = bench.node.mail(b"r1")
    assert mail is not None
    assert decode(mail).message == cues[-1]
    assert cues[-1].sensor_id == "r1"
    assert bench.node.mail(b"r1") is None
    written = [decode(data).message for _, _, data in bench.outbound.records]
    assert [m for m in written if isinstance(m, SensorCue)] == cues


def test_in_one_process_the_cue_comes_just_ahead_of_the_acknowledgement(tmp_path: Path) -> None:
    config = NodeConfig(lock_step=True)
    heard: list[tuple[int, SensorCue]] = []
    with InProcessNode(tmp_path / "run", config, parts=fake_estimation(config)) as own:
        own.node._cues = CueScheduler()
        clock = iter(range(10**9))
        sender = Sender(
            own.link("r1"),
            "r1",
            boot=1,
            now_s=lambda: float(next(clock)),
            lock_step=True,
            on_cue=lambda cue: heard.append((sender.acknowledged, cue)),
        )
        fov = FieldOfView(range_m=(0.0, 2000.0))
        sender.send(structs.replace(description("r1"), field_of_view=fov), t_ns=0, t_sent_ns=0)
        head = SensorHead(sensor_id="r1", horizontal_rad=0.1, vertical_rad=0.1, slew_rate_radps=1.0)
        sender.send(head, t_ns=0, t_sent_ns=0)
        for i in range(1, 6):
            sender.send(scan("r1", i, i * 200 * MS), t_ns=i * 200 * MS, t_sent_ns=i * 200 * MS)
    # The scan of 200 i ms is released by the arrival of the next one and its cue waits for the one after that.
    assert [(n, cue.t_ns // MS) for n, cue in heard] == [(4, 200), (5, 400), (6, 600)]


def test_a_head_without_a_description_is_refused_and_without_cueing_nobody_is_cued() -> None:
    bench = Bench()
    head = SensorHead(sensor_id="r1", horizontal_rad=0.1, vertical_rad=0.1, slew_rate_radps=1.0)
    answer = bench.give(frame(head, "r1", 0))
    assert answer is not None
    assert not answer.accepted
    assert answer.reason.startswith("no_description")
    assert estimation.build(NodeConfig(cueing=False)).cues is None
    assert estimation.build(NodeConfig()).cues is not None


def test_a_restarted_node_sends_no_cue_twice() -> None:
    bench = cued_bench()
    for i in range(2, 9):
        bench.give(frame(scan("r2", i, i * 60 * MS), "r2", i, t_ns=i * 60 * MS), b"r2")
    said = bench.said(Topics.SENSOR_CUE)
    again = Bench()
    again.node._cues = CueScheduler()
    records = [Record(i, *record) for i, record in enumerate(bench.inbound.records)]
    kept = Counter({Topics.SENSOR_CUE: len(said) - 1})
    again.node.restore(records, kept)
    assert again.said(Topics.SENSOR_CUE) == said[-1:]
