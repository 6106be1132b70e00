"""Scenario events in the stream: what they strike changes inside their window, everything else is as it was."""

from __future__ import annotations

import functools
import itertools
import json
from typing import Any

import numpy as np
import pytest

from messages.codec import decode, encode
from messages.detections import INDEX, N_COLUMNS, block
from messages.frames import wrap_pi
from messages.truth import TruthSet
from messages.types import EndOfStream, PlatformPose, SensorScan, SensorStatus
from scenarios.schema import Scenario
from sim.faults import Faults
from sim.simulation import Event, Simulation

SECOND = 1_000_000_000
FROM_S, TO_S = 2.0, 4.0
DURATION_S = 6.0


def simulation(*events: dict[str, Any], windowed: bool = True) -> Simulation:
    """Return two tanks, two drones and a civil one that come near; events get the window 2 s to 4 s."""
    leg = {"kind": "transit", "to_m": [0.0, 100.0], "height_m": 40.0}
    window = {"from_s": FROM_S, "to_s": TO_S} if windowed else {}
    scenario = Scenario.model_validate(
        {
            "name": "bench",
            "title": "Two drones come",
            "description": "One radio-controlled, one silent.",
            "duration_s": DURATION_S,
            "environment": {"terrain": {"relief_m": 0.0, "woods_fraction": 0.0}},
            "platoon": {"count": 2, "formation": "line", "engine": "off"},
            "targets": [
                {
                    "id": name,
                    "type": kind,
                    "start": {"position_m": start, "height_m": 50.0},
                    "legs": [{**leg, "speed_mps": speed_mps}],
                }
                for name, kind, start, speed_mps in (
                    ("a", "fpv_analogue", [300.0, 500.0], 25.0),
                    ("b", "fpv_fibre", [-300.0, 400.0], 25.0),
                    ("c", "civil_quadcopter", [400.0, -200.0], 10.0),
                )
            ],
            "events": [{**window, **event} for event in events],
        }
    )
    return Simulation(scenario, 7)


@functools.cache
def played(events: str) -> tuple[Event, ...]:
    return tuple(simulation(*json.loads(events)).events())


def stream(*events: dict[str, Any]) -> tuple[Event, ...]:
    return played(json.dumps(events))


def clear() -> tuple[Event, ...]:
    """Return the stream in which nothing goes wrong."""
    return stream()


def inside(event: Event) -> bool:
    return round(FROM_S * SECOND) <= event.t_ns < round(TO_S * SECOND)


def said(events: tuple[Event, ...], *nodes: str) -> list[Event]:
    """Return what nodes (all but the truth, if none is named) sent, without the ends of the streams."""
    kept = (e for e in events if e.node in nodes or (not nodes and e.node != "truth"))
    return [e for e in kept if not isinstance(e.message, EndOfStream)]


def scans(events: tuple[Event, ...], node: str) -> list[SensorScan]:
    return [e.message for e in events if e.node == node and isinstance(e.message, SensorScan)]


def in_window(scans_: list[SensorScan]) -> list[SensorScan]:
    return [s for s in scans_ if round(FROM_S * SECOND) <= s.t_ns < round(TO_S * SECOND)]


def probabilities(events: tuple[Event, ...], sensor_id: str) -> dict[int, list[float]]:
    """Return time -> the sensor's modelled Pd of each target, from the truth."""
    sets = [e.message for e in events if isinstance(e.message, TruthSet)]
    return {s.t_ns: [t.detection_probability.get(sensor_id, 0.0) for t in s.targets] for s in sets}


ALL = [
    {"kind": "sensor_loss", "sensors": ["tank_1_radar"]},
    {"kind": "sensor_stuck", "sensors": ["tank_1_radar"]},
    {"kind": "sensor_bias", "sensors": ["tank_1_radar"], "azimuth_offset_deg": 2.0, "range_offset_m": -40.0},
    {"kind": "jamming", "sensors": ["tank_1_radar"], "jamming_db": 25.0},
    {"kind": "jamming", "sensors": ["tank_1_rf"], "jamming_db": 25.0},
    {"kind": "vehicle_loss", "vehicles": ["tank_1"]},
    {"kind": "link", "vehicles": ["tank_1"], "loss": 0.5},
]


@pytest.mark.parametrize("event", ALL, ids=lambda e: "-".join([e["kind"], *e.get("sensors", [])]))
def test_outside_the_window_and_beside_the_struck_nothing_changes(event: dict[str, Any]) -> None:
    whom = simulation(event).faults
    struck = stream(event)

    def untouched(events: tuple[Event, ...]) -> list[Event]:
        return [e for e in said(events) if e.node not in whom or not inside(e)]

    assert untouched(struck) == untouched(clear())
    assert said(struck) != said(clear())
    assert [e for e in struck if isinstance(e.message, EndOfStream)] == [
        e for e in clear() if isinstance(e.message, EndOfStream)
    ]


@pytest.mark.parametrize("event", ALL, ids=lambda e: "-".join([e["kind"], *e.get("sensors", [])]))
def test_everything_that_is_said_passes_the_codec(event: dict[str, Any]) -> None:
    numbers = itertools.count()
    for e in stream(event):
        frame = encode(e.message, node=e.node, boot=1, sequence=next(numbers), t_ns=e.t_ns, t_sent_ns=e.t_sent_ns)
        assert decode(frame).message == e.message


def test_a_lost_sensor_says_nothing_not_even_empty_looks_or_a_status() -> None:
    lost = stream({"kind": "sensor_loss", "sensors": ["tank_1_radar"]})
    assert [e for e in said(lost, "tank_1_radar") if inside(e)] == []
    assert any(isinstance(e.message, SensorStatus) for e in said(clear(), "tank_1_radar") if inside(e))
    # The looks are counted on: the node can see how many it has missed.
    assert [s.scan for s in scans(lost, "tank_1_radar")] == [
        s.scan for s in scans(clear(), "tank_1_radar") if s not in in_window(scans(clear(), "tank_1_radar"))
    ]
    seen = probabilities(lost, "tank_1_radar")
    assert max(seen[3 * SECOND]) == 0.0  # truth: nobody could see with it
    assert min(seen[5 * SECOND]) > 0.5


def test_a_lost_vehicle_is_silent_and_stays_in_the_world() -> None:
    lost = stream({"kind": "vehicle_loss", "vehicles": ["tank_1"]})
    silent = {e.node for e in said(clear()) if inside(e)} - {e.node for e in said(lost) if inside(e)}
    assert silent == {"tank_1", *(f"tank_1_{kind}" for kind in ("radar", "eo", "ir", "acoustic", "rf"))}
    poses = [e.message.platform_id for e in lost if inside(e) and isinstance(e.message, PlatformPose)]
    assert set(poses) == {"tank_2", "tank_2/turret"}
    platforms = [[p.platform_id for p in e.message.platforms] for e in lost if isinstance(e.message, TruthSet)]
    assert all("tank_1" in ids for ids in platforms)


def test_a_stuck_sensor_repeats_its_last_look_with_new_times() -> None:
    stuck, well = (scans(events, "tank_1_radar") for events in (stream(ALL[1]), clear()))
    last = [s for s in well if s.t_ns < FROM_S * SECOND][-1]
    assert last.detections
    assert {s.detections for s in in_window(stuck)} == {last.detections}
    assert [(s.scan, s.t_ns) for s in stuck] == [(s.scan, s.t_ns) for s in well]


def test_a_sensor_that_is_stuck_from_the_begin_repeats_its_first_look() -> None:
    event = {"kind": "sensor_stuck", "sensors": ["tank_1_radar"], "from_s": 0.0}
    stuck = scans(tuple(simulation(event, windowed=False).events()), "tank_1_radar")
    assert {s.detections for s in stuck} == {scans(clear(), "tank_1_radar")[0].detections}
    assert len(stuck) == len(scans(clear(), "tank_1_radar"))


def test_a_bias_is_added_to_what_the_sensor_measures_and_to_nothing_else() -> None:
    offsets = {"azimuth_offset_deg": 2.0, "elevation_offset_deg": -1.0, "range_offset_m": 30.0}
    biased = in_window(scans(stream({"kind": "sensor_bias", "sensor_kinds": ["radar", "eo"], **offsets}), "tank_1_eo"))
    well = in_window(scans(clear(), "tank_1_eo"))
    assert sum(len(block(s)) for s in well) > 20
    for now, before in zip(map(block, biased), map(block, well), strict=True):
        moved = {name: now[:, INDEX[name]] - before[:, INDEX[name]] for name in ("azimuth_rad", "elevation_rad")}
        np.testing.assert_allclose(wrap_pi(moved["azimuth_rad"]), np.radians(2.0), rtol=0.0, atol=1e-12)
        np.testing.assert_allclose(moved["elevation_rad"], np.radians(-1.0), rtol=0.0, atol=1e-12)
        assert np.isnan(now[:, INDEX["range_m"]]).all()  # a camera has no range, with a bias neither
        rest = [i for i in range(N_COLUMNS) if i not in (INDEX["azimuth_rad"], INDEX["elevation_rad"])]
        np.testing.assert_array_equal(now[:, rest], before[:, rest])


def test_a_range_bias_never_makes_a_range_negative() -> None:
    event = {"kind": "sensor_bias", "sensors": ["tank_1_radar"], "range_offset_m": -50_000.0}
    ranges = np.concatenate([block(s)[:, INDEX["range_m"]] for s in in_window(scans(stream(event), "tank_1_radar"))])
    assert len(ranges) > 5
    assert ranges.tolist() == [0.0] * len(ranges)


@pytest.mark.parametrize("sensor_id", ["tank_1_radar", "tank_1_rf"])
def test_jamming_takes_probability_away_the_more_the_stronger(sensor_id: str) -> None:
    t_ns = 3 * SECOND
    levels = [0.001, 25.0, 45.0, 65.0]
    pds = [
        max(probabilities(stream({"kind": "jamming", "sensors": [sensor_id], "jamming_db": db}), sensor_id)[t_ns])
        for db in levels
    ]
    before = max(probabilities(clear(), sensor_id)[t_ns])
    assert abs(pds[0] - before) < 1e-3
    assert before > 0.5
    assert pds == sorted(pds, reverse=True)
    assert pds[-1] < 0.05


def test_jamming_lowers_the_signal_to_noise_ratio_by_its_decibels() -> None:
    """The jammed look has the same draws: what is still heard is heard weaker by exactly the rise of the floor."""
    jammed = scans(stream({"kind": "jamming", "sensors": ["tank_1_rf"], "jamming_db": 3.0}), "tank_1_rf")
    fell = []
    for now, before in zip(in_window(jammed), in_window(scans(clear(), "tank_1_rf")), strict=True):
        fell += [
            b - n
            for n, b in itertools.product(block(now)[:, INDEX["snr_db"]], block(before)[:, INDEX["snr_db"]])
            if abs(b - n - 3.0) < 1e-6
        ]
    assert len(fell) > 3


def test_jamming_of_another_band_changes_nothing() -> None:
    events = [
        {"kind": "jamming", "sensor_kinds": ["radar", "rf"], "jamming_db": 60.0, "band_hz": [1.0e8, 2.0e8]},
    ]
    assert said(stream(*events)) == said(clear())


def test_two_jammers_add_as_powers() -> None:
    one = {"kind": "jamming", "sensors": ["tank_1_radar"], "jamming_db": 10.0}
    both = {**one, "jamming_db": 10.0 * np.log10(19.0)}  # N + 9 N + 9 N
    pair, single = (probabilities(s, "tank_1_radar")[3 * SECOND] for s in (stream(one, one), stream(both)))
    np.testing.assert_allclose(pair, single, rtol=1e-9, atol=1e-12)


def test_a_worse_link_delays_and_keeps_the_order() -> None:
    late = stream({"kind": "link", "vehicles": ["tank_1"], "delay_s": 0.4})
    for node in ("tank_1", "tank_1_radar", "tank_1_eo"):
        for now, before in zip(said(late, node), said(clear(), node), strict=True):
            assert now.message == before.message
            if inside(now):
                # To the nanosecond, but for rounding and for those that wait and are sent one after another.
                assert abs(now.t_sent_ns - before.t_sent_ns - 0.4 * SECOND) <= 100
        sent = [e.t_sent_ns for e in said(late, node)]
        assert sent == sorted(sent)
    assert said(late, "tank_2", "tank_2_radar") == said(clear(), "tank_2", "tank_2_radar")


def test_a_worse_link_loses_its_share_in_the_window() -> None:
    thin = stream({"kind": "link", "loss": 0.3})
    before = [e for e in said(clear()) if inside(e)]
    left = [e for e in said(thin) if inside(e)]
    assert all(e in before for e in left)
    n = len(before)
    assert abs(n - len(left) - 0.3 * n) <= 4.0 * np.sqrt(0.3 * 0.7 * n)  # binomial, four sigma


def test_several_losses_on_a_link_are_independent() -> None:
    faults = simulation({"kind": "link", "loss": 0.5}, {"kind": "link", "loss": 0.2, "delay_s": 0.1}).faults
    delay_s, loss = faults["tank_1_eo"].link(round(FROM_S * SECOND))
    assert (delay_s, round(loss, 12)) == (0.1, 0.6)
    assert faults["tank_1_eo"].link(round(TO_S * SECOND)) == (0.0, 0.0)  # the end is outside
    assert Faults().link(0) == (0.0, 0.0)


def test_a_spoofed_remote_id_claims_another_place_and_nothing_else_changes() -> None:
    offset_m = [500.0, -300.0, 20.0]
    spoof = {"kind": "remote_id_spoof", "targets": ["c"], "claim_offset_m": offset_m, "from_s": 0.0, "to_s": DURATION_S}
    place = [INDEX[name] for name in ("east_m", "north_m", "up_m")]
    rest = [i for i in range(N_COLUMNS) if i not in place]
    claims = 0  # a look meets one burst of the beacon in a second or more
    for now, before in zip(said(stream(spoof)), said(clear()), strict=True):
        if not isinstance(now.message, SensorScan) or not now.node.endswith("_rf"):
            assert now == before
            continue
        rows, honest = block(now.message), block(before.message)
        told = ~np.isnan(honest[:, place[0]])
        claims += int(told.sum())
        moved = rows[told][:, place] - honest[told][:, place]
        np.testing.assert_allclose(moved, np.broadcast_to(offset_m, moved.shape), rtol=0.0, atol=1e-9)
        assert np.isnan(rows[~told][:, place]).all()
        np.testing.assert_array_equal(rows[:, rest], honest[:, rest])
    assert claims > 0
