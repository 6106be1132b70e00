"""The event stream: order, delays, losses, determinism, and independence of the sensors' draws."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from messages.codec import decode, encode
from messages.detections import block
from messages.truth import TruthSet
from messages.types import EndOfStream, PlatformPose, SensorDescription, SensorScan, SensorStatus
from scenarios.schema import Scenario
from sim.randomness import generator
from sim.simulation import Event, Simulation

SECOND = 1_000_000_000


def scenario(**changes) -> Scenario:
    legs = [{"kind": "transit", "to_m": [0.0, 100.0], "height_m": 40.0, "speed_mps": 25.0}]
    base = {
        "name": "bench",
        "title": "Two drones come",
        "description": "One radio-controlled, one silent.",
        "duration_s": 6.0,
        "environment": {"terrain": {"relief_m": 0.0, "woods_fraction": 0.0}},
        "platoon": {"count": 2, "formation": "line", "engine": "off"},
        "targets": [
            {
                "id": "a",
                "type": "fpv_analogue",
                "start": {"position_m": [300.0, 500.0], "height_m": 50.0},
                "legs": legs,
            },
            {"id": "b", "type": "fpv_fibre", "start": {"position_m": [-300.0, 400.0], "height_m": 60.0}, "legs": legs},
        ],
    }
    return Scenario.model_validate({**base, **changes})


@functools.cache
def standard() -> tuple[Simulation, tuple[Event, ...]]:
    simulation = Simulation(scenario(), 7)
    return simulation, tuple(simulation.events())


def wire(events) -> list[bytes]:
    numbers = itertools.count()
    return [
        encode(e.message, node=e.node, boot=1, sequence=next(numbers), t_ns=e.t_ns, t_sent_ns=e.t_sent_ns)
        for e in events
    ]


def scans(events, sensor_id=None):
    return [e for e in events if isinstance(e.message, SensorScan) and sensor_id in (None, e.message.sensor_id)]


def test_events_come_in_order_of_sending_and_never_before_their_time():
    _, events = standard()
    sent = [e.t_sent_ns for e in events]
    assert sent == sorted(sent)
    assert all(e.t_sent_ns >= e.t_ns for e in events)
    for node in {e.node for e in events}:
        of_node = [e.t_ns for e in events if e.node == node]
        assert of_node == sorted(of_node)  # one sender never overtakes itself


def test_descriptions_come_first_and_every_sender_ends():
    simulation, events = standard()
    n = len(simulation.sensors)
    assert n == 10
    assert [e.message for e in events[:n]] == simulation.descriptions()
    assert all(isinstance(e.message, SensorDescription) for e in events[:n])
    ends = [e.node for e in events[-n - 2 :]]
    assert all(isinstance(e.message, EndOfStream) for e in events[-n - 2 :])
    assert sorted(ends) == sorted([s.sensor_id for s in simulation.sensors] + ["tank_1", "tank_2"])


def test_rates_and_empty_looks():
    simulation, events = standard()
    for sensor in simulation.sensors:
        found = scans(events, sensor.sensor_id)
        period_ns = round(sensor.common.scan_period_s * SECOND)
        assert abs(len(found) - 6 * SECOND / period_ns) <= 1
        assert [e.message.scan for e in found] == list(range(len(found)))
        assert set(np.diff([e.t_ns for e in found]).tolist()) == {period_ns}
        assert len([e for e in events if isinstance(e.message, SensorStatus) and e.node == sensor.sensor_id]) == 6
    phases = {scans(events, s.sensor_id)[0].t_ns for s in simulation.sensors}
    assert len(phases) == len(simulation.sensors)
    assert any(not e.message.detections for e in scans(events))
    poses = [e.message for e in events if isinstance(e.message, PlatformPose)]
    assert len(poses) == 4 * 61
    assert {p.platform_id for p in poses if p.defended} == {"tank_1", "tank_2"}
    assert len([e for e in events if isinstance(e.message, TruthSet)]) == 61


def test_every_message_passes_the_codec():
    _, events = standard()
    for frame in wire(events):
        decode(frame)
    assert sum(len(block(e.message)) for e in scans(events)) > 100


def test_same_seed_same_bytes_also_when_played_again():
    simulation, events = standard()
    assert wire(simulation.events()) == wire(events)
    assert wire(Simulation(scenario(), 7).events()) == wire(events)
    assert wire(Simulation(scenario(), 8).events()) != wire(events)


def test_adding_a_sensor_changes_no_other_sensors_scans():
    extra = {"id": "extra_radar", "platform": "tank_2", "profile": "radar_panels", "position_m": [0.0, 0.0, 1.5]}
    more = tuple(Simulation(scenario(sensors=[extra]), 7).events())
    assert len(scans(more, "extra_radar")) == 24
    others = [e for e in more if e.node not in ("extra_radar", "truth") and not isinstance(e.message, EndOfStream)]
    before = [e for e in standard()[1] if e.node != "truth" and not isinstance(e.message, EndOfStream)]
    assert others == before


def test_a_lost_message_is_missing_and_changes_nothing_else():
    lossy = tuple(Simulation(scenario(network={"radar": {"loss": 0.4}, "pose": {"loss": 0.2}}), 7).events())
    left, all_of_them = scans(lossy), scans(standard()[1])
    assert all(e in all_of_them for e in left)
    radar = [e for e in all_of_them if e.node.endswith("_radar")]
    lost = len(all_of_them) - len(left)
    assert abs(lost - 0.4 * len(radar)) <= 4.0 * np.sqrt(0.24 * len(radar))
    assert {e.node for e in all_of_them if e not in left} <= {"tank_1_radar", "tank_2_radar"}
    assert sum(isinstance(e.message, EndOfStream) for e in lossy) == 12


def test_delays_are_latency_plus_exponential_jitter():
    network = {"radar": {"latency_s": 0.03, "jitter_s": 0.01}}
    simulation = Simulation(
        scenario(network=network, duration_s=40.0, targets=[], platoon={"count": 1, "fit": "radar_only"}), 3
    )
    delay_s = np.array([(e.t_sent_ns - e.t_ns) / 1e9 for e in scans(simulation.events(), "tank_1_radar")])
    least = 0.03 + simulation.sensors[0].common.processing_latency_s
    assert delay_s.min() >= least - 1e-9
    assert abs(delay_s.mean() - least - 0.01) <= 4.0 * 0.01 / np.sqrt(len(delay_s))


def test_a_pose_is_sent_before_a_scan_of_the_same_time():
    still = {"latency_s": 0.0, "jitter_s": 0.0}
    network = dict.fromkeys(("radar", "eo", "ir", "acoustic", "rf", "pose"), still)
    seen: list[tuple[int, str]] = []
    for e in Simulation(scenario(network=network, duration_s=2.0), 7).events():
        seen.append((e.t_sent_ns, type(e.message).__name__))
    order = {
        "SensorDescription": 0,
        "PlatformPose": 1,
        "SensorStatus": 2,
        "SensorScan": 3,
        "TruthSet": 4,
        "EndOfStream": 5,
    }
    assert seen == sorted(seen, key=lambda x: (x[0], order[x[1]]))


def test_truth_holds_the_modelled_probability_of_the_last_look():
    simulation, events = standard()
    last = [e.message for e in events if isinstance(e.message, TruthSet)][-1]
    radio, fibre = last.targets
    assert (radio.target_id, radio.target_class, radio.threat, radio.airborne) == ("a", "fpv", True, True)
    assert radio.detection_probability["tank_1_rf"] > 0.9
    assert "tank_1_rf" not in fibre.detection_probability
    assert fibre.detection_probability["tank_2_radar"] > 0.9
    assert {p.platform_id for p in last.platforms} == set(simulation.world.platform_ids)


def test_the_stream_is_made_as_it_is_read():
    long = Simulation(scenario(duration_s=900.0, targets=[]), 1)
    first = list(itertools.islice(long.events(), 500))
    assert first[-1].t_sent_ns < 10 * SECOND  # of 900 s


def test_names_have_streams_of_their_own():
    one = generator(5, "sensor/a").random(4)
    assert one.tolist() == generator(5, "sensor/a").random(4).tolist()
    assert one.tolist() != generator(5, "sensor/b").random(4).tolist()
    assert one.tolist() != generator(6, "sensor/a").random(4).tolist()
    assert generator(1, "world").integers(2**32) == generator(1, "world").integers(2**32)
