"""Layers of protection in a scenario: the catalogue's, a platoon's own, a vehicle's own, and every wrong input."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.catalogue import shipped
from scenarios.loader import ScenarioError, effective_yaml, load
from scenarios.protection import Layer, protection_layers

HEAD = """\
name: small
title: Small
description: Two tanks, nobody comes.
duration_s: 20
"""
NAMES = ("active_protection", "electronic_warfare", "short_range_air_defence", "smoke", "take_cover")


def scenario_file(tmp_path: Path, platoon: str) -> str:
    file = tmp_path / "s.yaml"
    file.write_text(f"{HEAD}platoon:\n  count: 2\n{platoon}", encoding="utf-8")
    return str(file)


def errors_of(tmp_path: Path, platoon: str) -> list[str]:
    name = scenario_file(tmp_path, platoon)
    with pytest.raises(ScenarioError) as caught:
        load(name)
    return [e.replace(name, "s.yaml") for e in caught.value.errors]


def test_the_catalogue_has_the_layers_and_says_which_values_are_assumed() -> None:
    known = shipped().protection
    assert tuple(known) == NAMES
    assert all("(E)" in layer.source for layer in known.values())
    assert "top" not in known["smoke"].aspects


def test_without_a_word_every_vehicle_has_the_layers_of_the_catalogue(tmp_path: Path) -> None:
    layers = protection_layers(load(scenario_file(tmp_path, "")))
    assert set(layers) == {"tank_1", "tank_2"}
    assert [layer.needs_s for layer in layers["tank_1"]] == sorted(t.needs_s for t in shipped().protection.values())
    assert {layer.name for layer in layers["tank_2"]} == set(NAMES)


def test_the_platoon_names_its_layers_and_a_vehicle_has_others(tmp_path: Path) -> None:
    platoon = """\
  protection:
    layers:
      - {name: smoke, needs_s: 4}
      - {name: take_cover}
      - {name: reverse_into_trees, needs_s: 20, aspects: [front, flank]}
  vehicles:
    - {}
    - {protection: {layers: [{name: smoke, aspects: [front]}]}}
"""
    layers = protection_layers(load(scenario_file(tmp_path, platoon)))
    assert layers["tank_1"] == (
        Layer("smoke", 4.0, ("front", "flank", "rear")),
        Layer("take_cover", 8.0),
        Layer("reverse_into_trees", 20.0, ("front", "flank")),
    )
    assert layers["tank_2"] == (Layer("smoke", 6.0, ("front",)),)


def test_a_vehicle_may_have_no_layer_at_all(tmp_path: Path) -> None:
    layers = protection_layers(load(scenario_file(tmp_path, "  vehicles: [{protection: {layers: []}}]\n")))
    assert (layers["tank_1"], len(layers["tank_2"])) == ((), len(NAMES))


def test_a_scenario_changes_the_need_of_a_layer_in_the_catalogue(tmp_path: Path) -> None:
    scenario = load(scenario_file(tmp_path, ""), ["catalogue.protection.smoke.needs_s=2.5"])
    assert next(layer for layer in protection_layers(scenario)["tank_1"] if layer.name == "smoke").needs_s == 2.5


def test_the_effective_configuration_loads_again_with_its_layers(tmp_path: Path) -> None:
    scenario = load(scenario_file(tmp_path, "  protection: {layers: [{name: smoke, aspects: [rear]}]}\n"))
    again = tmp_path / "again.yaml"
    again.write_text(effective_yaml(scenario), encoding="utf-8")
    assert load(str(again)) == scenario


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("{name: smoke, needs_s: -1}", "layers[0].needs_s = -1: must be >= 0.0 (time from the WARNING until"),
        ("{name: smoke, needs_s: 4000}", "layers[0].needs_s = 4000: must be <= 3600.0"),
        ("{name: smoke, needs_s: soon}", "layers[0].needs_s = soon: must be a number"),
        ("{name: smoke, aspects: [side]}", "layers[0].aspects[0] = side: must be one of 'front', 'flank', 'rear' or"),
        ("{name: smoke, aspects: []}", "layers[0].aspects = []: must name at least one of front, flank, rear, top"),
        ("{name: smoke, aspects: [top, top]}", "layers[0].aspects = ['top', 'top']: must name at least one of"),
        ("{name: smoke}, {name: smoke}", "layers[1].name = smoke: must be unique among the layers (smoke is given"),
        ("{name: smoke, needs: 4}", "layers[0].needs = 4: unknown key; did you mean needs_s?"),
        ("{needs_s: 4}", "layers[0].name = (none): must be given"),
        (
            "{name: smok}",
            "layers[0].needs_s = (none): must be given for smok; did you mean smoke?; the catalogue knows",
        ),
    ],
)
@pytest.mark.parametrize(
    ("platoon", "where"),
    [
        ("  protection: {layers: [%s]}\n", "s.yaml:7: platoon.protection."),
        ("  vehicles: [{protection: {layers: [%s]}}]\n", "s.yaml:7: platoon.vehicles[0].protection."),
    ],
)
def test_wrong_layers_are_one_sentence(tmp_path: Path, platoon: str, where: str, item: str, expected: str) -> None:
    (error,) = errors_of(tmp_path, platoon % item)
    assert error.startswith(where + expected)


def test_layers_for_more_vehicles_than_there_are_is_an_error(tmp_path: Path) -> None:
    (error,) = errors_of(tmp_path, "  vehicles: [{}, {}, {protection: {layers: []}}]\n")
    assert error == "s.yaml:7: platoon.vehicles: must have at most as many items as platoon.count = 2"


def test_a_wrong_value_for_an_entry_of_the_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"catalogue\.protection\.smoke.needs_s = -4: must be >= 0"):
        load(scenario_file(tmp_path, ""), ["catalogue.protection.smoke.needs_s=-4"])
