"""Events in a scenario: whom they strike, what is left out, and every wrong input."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.fit import struck_nodes
from scenarios.loader import ScenarioError, effective_yaml, load

HEAD = """\
name: small
title: Small
description: Two tanks; two civil drones and a silent one come.
duration_s: 20
platoon: {count: 2, vehicles: [{}, {fit: radar_only}]}
targets:
  - id: q
    type: civil_quadcopter
    group: {count: 2, spacing_m: 20}
    start: {position_m: [0, 900]}
    legs: [{kind: transit, to_m: [0, 9], height_m: 30, speed_mps: 9}]
  - id: f
    type: fpv_fibre
    start: {position_m: [0, 900]}
    legs: [{kind: transit, to_m: [0, 9], height_m: 30, speed_mps: 9}]
events:
"""
KINDS = ("radar", "eo", "ir", "acoustic", "rf")


def scenario_file(tmp_path: Path, *events: str) -> str:
    file = tmp_path / "s.yaml"
    file.write_text(HEAD + "".join(f"  - {{{event}}}\n" for event in events), encoding="utf-8")
    return str(file)


def struck(tmp_path: Path, event: str) -> tuple[str, ...]:
    (_, nodes), *rest = struck_nodes(load(scenario_file(tmp_path, event)))
    assert rest == []
    return nodes


def errors_of(tmp_path: Path, *events: str) -> list[str]:
    name = scenario_file(tmp_path, *events)
    with pytest.raises(ScenarioError) as caught:
        load(name)
    return [e.replace(name, "s.yaml") for e in caught.value.errors]


@pytest.mark.parametrize(
    ("choice", "nodes"),
    [
        ("kind: sensor_loss, sensors: [tank_1_eo]", ("tank_1_eo",)),
        ("kind: sensor_loss, sensor_kinds: [radar]", ("tank_1_radar", "tank_2_radar")),
        ("kind: sensor_stuck, vehicles: [tank_2]", ("tank_2_radar",)),
        ("kind: sensor_stuck, vehicles: [tank_1], sensor_kinds: [eo, ir]", ("tank_1_eo", "tank_1_ir")),
        ("kind: jamming, jamming_db: 20, vehicles: [tank_1]", ("tank_1_radar", "tank_1_rf")),
        ("kind: jamming, jamming_db: 20, sensor_kinds: [radar]", ("tank_1_radar", "tank_2_radar")),
        ("kind: vehicle_loss, vehicles: [tank_2]", ("tank_2", "tank_2_radar")),
        ("kind: link, loss: 0.1", ("tank_1", "tank_2", *(f"tank_1_{kind}" for kind in KINDS), "tank_2_radar")),
        ("kind: remote_id_spoof, targets: [q_1], claim_offset_m: [300, 0, 0]", ("tank_1_rf",)),
    ],
)
def test_an_event_strikes_what_fits_every_choice(tmp_path: Path, choice: str, nodes: tuple[str, ...]) -> None:
    assert struck(tmp_path, f"from_s: 1, {choice}") == nodes


def test_events_survive_writing_out(tmp_path: Path) -> None:
    scenario = load(scenario_file(tmp_path, "kind: jamming, from_s: 3, sensor_kinds: [rf], jamming_db: 12"))
    again = tmp_path / "again.yaml"
    again.write_text(effective_yaml(scenario), encoding="utf-8")
    assert load(str(again)) == scenario
    assert scenario.events[0].to_s is None


def test_a_scenario_without_events_has_none(tmp_path: Path) -> None:
    assert load("fpv_treeline").events == ()
    assert struck_nodes(load("fpv_treeline")) == ()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("kind: link, from_s: 5, to_s: 5, loss: 1", "events[0].to_s = 5: must be > from_s = 5"),
        ("kind: link, from_s: 20, loss: 1", "events[0].from_s = 20: must be < duration_s = 20"),
        (
            "kind: link, from_s: 2, to_s: 21, loss: 1",
            "events[0].to_s = 21: must be <= duration_s = 20; leave it out to last until the end",
        ),
        ("kind: link, from_s: -1, loss: 1", "events[0].from_s = -1: must be >= 0.0"),
        (
            "kind: link, from_s: 1, delay_s: -2",
            "events[0].delay_s = -2: must be >= 0.0 (added to the latency; the order is kept)",
        ),
        (
            "kind: jamming, from_s: 1, sensor_kinds: [rf], jamming_db: -3",
            "events[0].jamming_db = -3: must be > 0.0 (rise of the noise floor; events at one time add as powers)",
        ),
        (
            "kind: sensor_loss, from_s: 1, vehicles: [tank_3]",
            "events[0].vehicles[0] = tank_3: must be a known vehicle of the platoon; did you mean tank_2?; "
            "known: tank_1, tank_2",
        ),
        (
            "kind: sensor_loss, from_s: 1, sensor_kinds: [lidar]",
            "events[0].sensor_kinds[0] = lidar: must be one of 'radar', 'eo', 'ir', 'acoustic' or 'rf' "
            "(these only; empty: any)",
        ),
        (
            "kind: sensor_loss, from_s: 1, sensors: [tank_1_radar], vehicles: [tank_2]",
            "events[0].sensors[0] = tank_1_radar: must fit: it is the radar of tank_1; all choices must fit",
        ),
        (
            "kind: jamming, from_s: 1, jamming_db: 9, sensors: [tank_1_ir]",
            "events[0].sensors[0] = tank_1_ir: must fit: it is the ir of tank_1; jamming strikes only radar and rf",
        ),
        (
            "kind: sensor_loss, from_s: 1, vehicles: [tank_2], sensor_kinds: [eo]",
            "events[0]: must strike a sensor: no eo on the chosen vehicles; all choices must fit",
        ),
        (
            "kind: remote_id_spoof, from_s: 1, targets: [f], claim_offset_m: [9, 0, 0]",
            "events[0].targets[0] = f: must have a Remote ID beacon; of those that do: q_1, q_2",
        ),
        (
            "kind: remote_id_spoof, from_s: 1, targets: [q], claim_offset_m: [9, 0, 0]",
            "events[0].targets[0] = q: must be a known target of the scenario; did you mean q_2?; known: q_1, q_2, f",
        ),
        ("kind: vehicle_loss, from_s: 1, vehicles: []", "events[0].vehicles = []: must have at least 1 items, has 0"),
    ],
)
def test_a_wrong_event_is_refused(tmp_path: Path, event: str, error: str) -> None:
    assert errors_of(tmp_path, event) == [f"s.yaml:17: {error}"]


def test_an_event_must_strike_somebody_and_do_something(tmp_path: Path) -> None:
    nobody, nothing, idle, typo = errors_of(
        tmp_path,
        "kind: sensor_stuck, from_s: 1",
        "kind: sensor_bias, from_s: 1, vehicles: [tank_1]",
        "kind: link, from_s: 1",
        "kind: sensor_loss, from_s: 1, sensors: [tank_1_rader]",
    )
    assert nobody.endswith("must choose whom it strikes: one of vehicles, sensor_kinds, sensors must be given")
    assert nothing.endswith("one of azimuth_offset_deg, elevation_offset_deg, range_offset_m must not be 0")
    assert idle.endswith("one of delay_s, loss must not be 0")
    assert "s.yaml:20: events[3].sensors[0] = tank_1_rader: must be a known sensor of the scenario; " in typo
    assert "did you mean tank_1_radar?" in typo


def test_an_unknown_kind_is_refused_with_the_kinds_that_there_are(tmp_path: Path) -> None:
    (error,) = errors_of(tmp_path, "kind: smoke, from_s: 1")
    assert "'kind' must be one of 'sensor_loss', 'sensor_stuck', 'sensor_bias', 'jamming', 'vehicle_loss'" in error
