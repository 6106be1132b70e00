"""The loader: everything in the library loads; every kind of wrong input is one clear sentence, all at once."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from scenarios.fit import fit_names, mounted_sensors
from scenarios.loader import DEFAULT_SCENARIO, ScenarioError, effective_yaml, library, load, schema_json

NAMES = [name for name, _ in library()]
REQUIRED = {
    "fpv_treeline",
    "loitering_top_attack",
    "recon_orbit",
    "flank_rear_fpv",
    "crossing_pair",
    "swarm_12",
    "silent_dusk",
    "birds_only",
    "column_move",
}
MINIMAL = """\
name: small
title: Small
description: One tank, one drone.
duration_s: 20
platoon: {count: 1}
targets:
  - id: fpv_1
    type: fpv_fibre
    start: {position_m: [0, 900]}
    legs:
      - {kind: terminal, platform: tank_1}
"""


def errors_of(tmp_path: Path, text: str, overrides: tuple[str, ...] = ()) -> list[str]:
    file = tmp_path / "s.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(str(file), overrides)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return [e.replace(str(file), "s.yaml") for e in caught.value.errors]


def test_library_has_the_scenarios_asked_for_and_the_default_comes_first() -> None:
    assert set(NAMES) >= REQUIRED
    assert NAMES[0] == DEFAULT_SCENARIO
    assert all(title for _, title in library())


@pytest.mark.parametrize("name", NAMES)
def test_library_scenario_loads_and_stays_within_the_scan_budget(name: str) -> None:
    scenario = load(name)
    sensors = mounted_sensors(scenario)
    assert scenario.name == name
    assert 3 <= scenario.platoon.count <= 4
    assert scenario.duration_s <= 120 or name == "birds_only"
    # The node fuses one scan at a time: a platoon stays under 70 of them a second.
    assert sum(1.0 / s.profile.scan_period_s for s in sensors) <= 70.0
    assert {s.profile.kind for s in sensors} == {"radar", "eo", "ir", "acoustic", "rf"}
    assert all(len(s.sensor_id.encode()) <= 24 for s in sensors)
    assert len({s.sensor_id for s in sensors}) == len(sensors)


@pytest.mark.parametrize("name", ["fpv_treeline", "swarm_12"])
def test_effective_configuration_loads_again_to_the_same_scenario(name: str, tmp_path: Path) -> None:
    scenario = load(name, ["seed=77"])
    file = tmp_path / "effective.yaml"
    file.write_text(effective_yaml(scenario), encoding="utf-8")
    assert load(str(file)) == scenario


def test_schema_names_units_and_is_json() -> None:
    schema = json.loads(schema_json())
    assert "duration_s" in schema["properties"]
    assert schema["additionalProperties"] is False


def test_words_that_old_yaml_takes_for_booleans_stay_words(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(MINIMAL.replace("{count: 1}", "{count: 1, engine: off}"), encoding="utf-8")
    assert load(str(file)).platoon.engine == "off"


def test_vehicles_override_the_common_fit(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(MINIMAL.replace("{count: 1}", "{count: 3, vehicles: [{}, {fit: passive}]}"), encoding="utf-8")
    assert fit_names(load(str(file))) == ("full", "passive", "full")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("duration_s: 20", "duration_s: -4", "s.yaml:4: duration_s = -4: must be >= 1.0"),
        ("duration_s: 20", "duration_s: .nan", "s.yaml:4: duration_s = nan: must be a finite number"),
        ("duration_s: 20", "duration_s: long", "s.yaml:4: duration_s = long: must be a number"),
        ("duration_s: 20", "duration_s: 20\nwind: 3", "s.yaml:5: wind = 3: unknown key; must be one of catalogue"),
        ("title: Small", "titel: Small", "s.yaml:2: titel = Small: unknown key; did you mean title?"),
        ("title: Small\n", "", "s.yaml:1: title = (none): must be given"),
        ("{count: 1}", "{count: 1, formation: heap}", "platoon.formation = heap: must be one of 'column', 'line'"),
        (
            "{count: 1}",
            "{count: 1, navigation: {heading_sigma_deg: -0.4}}",
            "s.yaml:5: platoon.navigation.heading_sigma_deg = -0.4: must be >= 0.0",
        ),
        ("{count: 1}", "{count: 1, fit: ful}", "platoon.fit = ful: must be a known sensor fit; did you mean full?"),
        ("{count: 1}", "{count: 1, prefix: a_very_long_vehicle}", "makes the sensor id a_very_long_vehicle_1_acoustic"),
        ("{count: 1}", "{count: 1, vehicles: [{}, {}]}", "must have at most as many items as platoon.count = 1"),
        (
            "{count: 1}",
            "{count: 1, vehicles: [{}, {protection: {layers: [{name: smoke}]}}]}",
            "s.yaml:5: platoon.vehicles: must have at most as many items as platoon.count = 1",
        ),
        ("fpv_fibre", "fpv_fiber", "s.yaml:8: targets[0].type = fpv_fiber: must be a known target type; did you mean"),
        ("platform: tank_1", "platform: tank_2", "targets[0].legs[0].platform = tank_2: must be a known platform"),
        ("kind: terminal", "kind: dance", "s.yaml:11: targets[0].legs[0]"),
        ("[0, 900]", "[0, 9000]", "targets[0].start.position_m = [0, 9000]: must lie on the terrain, within 4000 m"),
        ("[0, 900]", "[0]", "targets[0].start.position_m[1] = (none): must be given"),
        ("id: fpv_1", "id: FPV 1", "targets[0].id = FPV 1: must be a small letter"),
        ("id: fpv_1", "id: tank_1", "targets[0].id = tank_1: must be unique"),
        ("tank_1}", "tank_1, speed_mps: 90}", "targets[0].legs[0].speed_mps = 90: must be within 0..32"),
        ("tank_1}", "tank_1}\n    radio_silent_from_leg: 3", "radio_silent_from_leg = 3: must be < 1"),
        (
            "fpv_fibre",
            "recon_uav\n    group: {count: 12, spacing_m: -1}",
            "targets[0].group.spacing_m = -1: must be > 0",
        ),
    ],
)
def test_wrong_value_is_one_sentence_with_file_line_key_value_and_limit(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in MINIMAL
    assert any(expected in e for e in errors_of(tmp_path, MINIMAL.replace(old, new)))


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace("duration_s: 20", "duration_s: -4").replace("fpv_fibre", "fpv_fiber")
    text += "sensors:\n  - {id: extra, platform: tank_9, profile: radar_panels}\n"
    errors = errors_of(tmp_path, text, ("targets[3].id=x",))
    for part in ("duration_s", "targets[0].type", "sensors[0].platform = tank_9", "--set targets[3].id"):
        assert sum(part in e for e in errors) == 1
    assert len(errors) == 4


def test_flying_type_that_cannot_hover_is_refused(tmp_path: Path) -> None:
    text = MINIMAL.replace("fpv_fibre", "recon_uav").replace(
        "{kind: terminal, platform: tank_1}", "{kind: hover, height_m: 50, duration_s: 5}"
    )
    assert "must not be flown by recon_uav" in errors_of(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x [1]\nb: *x\n", "s.yaml:1: anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]\n", "s.yaml:1: tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: [1, 2\nb: 3\n", "not YAML"),
        ("a: 1\na: 2\n", "s.yaml:2: a: given twice"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper than"),
        ("a: [" + "1," * 30_000 + "]", "more than 20000 values"),
        ("a: '" + "x" * 300_000 + "'", "more than 262144 bytes"),
        ("- 1\n", "must be keys and values"),
        ("", "must be keys and values"),
        ("? [1]\n: 2\n", "a key must be a word"),
    ],
)
def test_hostile_or_broken_yaml_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in e for e in errors_of(tmp_path, text))


def test_binary_file_missing_file_and_unknown_name_are_named(tmp_path: Path) -> None:
    file = tmp_path / "b.yaml"
    file.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(str(file))
    with pytest.raises(ScenarioError, match=r"nothing\.yaml: cannot be read"):
        load(str(tmp_path / "nothing.yaml"))
    with pytest.raises(ScenarioError, match="did you mean fpv_treeline"):
        load("fpv_treelin")


def test_overrides_set_values_and_make_missing_sections() -> None:
    scenario = load(
        "fpv_treeline", ["targets[0].start_s=3", "environment.rain_mm_per_h=2.5", "network.radar.loss=0.1", "seed=9"]
    )
    assert scenario.targets[0].start_s == 3.0
    assert scenario.environment.rain_mm_per_h == 2.5
    assert scenario.network.radar.loss == 0.1
    assert scenario.seed == 9


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed", "--set seed: must be key=value"),
        ("a b=3", "--set a b=3: must be key=value"),
        ("[0].x=3", "must be key=value"),
        ("targets[9].id=x", "targets[9]: must be < 2"),
        ("targets.id=x", "targets has no keys"),
        ("seed=-1", "--set seed: seed = -1: must be >= 0"),
        ("seed=&x 1", "anchors and aliases"),
        ("sead=1", "--set sead: sead = 1: unknown key; did you mean seed?"),
    ],
)
def test_wrong_override_is_named(override: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load("fpv_treeline", [override])
    assert expected in str(caught.value)


FRAGMENTS = [
    "-1",
    "null",
    "[]",
    "{}",
    "1e400",
    ".nan",
    "&a",
    "*a",
    "!!int",
    "9" * 400,
    "\t",
    ":",
    "- ",
    "[",
    "}",
    "\0",
    "é",
]


def test_mangled_scenario_loads_or_is_refused_and_never_fails_otherwise(tmp_path: Path, root: Path) -> None:
    chance, file = Random(20), tmp_path / "mangled.yaml"
    refusals: list[ScenarioError] = []
    whole = (root / "scenarios" / "library" / "fpv_treeline.yaml").read_text(encoding="utf-8")
    for _ in range(120):
        text = whole
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(FRAGMENTS) + text[at + chance.randint(0, 8) :]
        file.write_text(text, encoding="utf-8")
        try:
            load(str(file))
        except ScenarioError as error:
            refusals.append(error)
    assert len(refusals) > 60
    assert all(line.startswith(str(file)) for refusal in refusals for line in refusal.errors)
