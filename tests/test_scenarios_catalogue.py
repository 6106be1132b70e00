"""The catalogue: every type is there, sourced, and within the published bands; scenarios may change values."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.catalogue import shipped
from scenarios.fit import catalogue_of
from scenarios.loader import ScenarioError, load

CLASSES = {"fpv", "quadcopter", "fixed_wing", "loitering_munition", "bird"}
SILENT = {"fpv_fibre", "fpv_autonomous"}


def test_every_target_class_is_there_and_sourced() -> None:
    targets = shipped().targets
    assert {t.target_class for t in targets.values()} == CLASSES
    assert all(t.source for t in targets.values())
    assert {t.motion for t in (x.kinematics for x in targets.values())} == {"multirotor", "fixed_wing", "bird"}


@pytest.mark.parametrize("name", sorted(SILENT))
def test_fibre_and_autonomous_drones_emit_nothing(name: str) -> None:
    assert shipped().targets[name].emissions == ()


def test_linked_drones_emit_their_own_kind() -> None:
    targets = shipped().targets
    assert "analogue_video" in {e.kind for e in targets["fpv_analogue"].emissions}
    assert "fhss" in {e.kind for e in targets["fpv_fhss"].emissions}
    assert all(e.hop_band_hz for e in targets["fpv_fhss"].emissions)
    assert "remote_id" in {e.kind for e in targets["civil_quadcopter"].emissions}


def test_only_birds_own_and_civil_drones_are_no_threat() -> None:
    harmless = {name for name, t in shipped().targets.items() if not t.threat}
    assert harmless == {"bird_soaring", "bird_flapping", "bird_flock", "civil_quadcopter", "own_quadcopter"}


def test_values_lie_in_the_published_bands() -> None:
    """Bands of the physics page: RCS, sound at 1 m, speeds of birds (8 to 23 m/s), FPV up to 50 m/s."""
    targets = shipped().targets
    assert all(-25.0 <= t.rcs_dbsm <= -10.0 for t in targets.values() if t.target_class in ("fpv", "quadcopter"))
    assert 82.0 <= targets["fpv_analogue"].sound_dba <= 90.0
    assert 72.0 <= targets["mini_quadcopter"].sound_dba <= 76.0
    for target in targets.values():
        if target.target_class == "bird":
            assert target.kinematics.speed_max_mps <= 23.0
        assert target.kinematics.speed_max_mps <= 55.0
        low, high = target.kinematics.manoeuvre_sigma_mps2
        assert low <= high


def test_scenario_changes_one_value_of_an_entry_and_nothing_else() -> None:
    changed = catalogue_of(load("fpv_treeline", ["catalogue.targets.fpv_analogue.kinematics.speed_max_mps=45"]))
    before, after = shipped().targets["fpv_analogue"], changed.targets["fpv_analogue"]
    assert after.kinematics.speed_max_mps == 45.0
    assert after.kinematics.climb_max_mps == before.kinematics.climb_max_mps
    assert after.model_copy(update={"kinematics": before.kinematics}) == before
    assert changed.sensors == shipped().sensors


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("catalogue.sensors.radar_panels.noise_figure_db=-1", "noise_figure_db = -1: must be >= 0"),
        (
            "catalogue.sensors.radar_panel.noise_figure_db=1",
            "must be a known entry of sensors; did you mean radar_panels",
        ),
        ("catalogue.targets.fpv_analogue.rcs_dbm=1", "unknown key; did you mean rcs_dbsm?"),
        ("catalogue.targets.fpv_analogue.name=x", "must not change name or kind"),
        ("catalogue.targets.fpv_analogue=3", "must be keys and values"),
    ],
)
def test_wrong_change_is_named(override: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load("fpv_treeline", [override])
    assert expected in str(caught.value)


def test_every_file_states_a_source_or_a_grade() -> None:
    import scenarios.catalogue as package

    for file in sorted(Path(package.__path__[0]).rglob("*.yaml")):
        assert file.parent.name == "fits" or "source:" in file.read_text(encoding="utf-8"), file.name
