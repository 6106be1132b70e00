"""SENSORS.yaml: the format's own example, the way back, and every error with its place."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edge_node.tables import TableError, read_sensors_yaml, write_sensors_yaml
from messages.types import FieldOfView

EXAMPLE = """
datum: {latitude_deg: 43.2, longitude_deg: 76.9, altitude_m: 700.0}
sensors:
  - id: radar_1
    kind: radar
    platform: tank_1
    position_m: [0.0, 0.0, 2.5]
    orientation_deg: {yaw: 90.0, pitch: 0.0, roll: 0.0}
    angles: enu
    range_rate: ground
    sigma: {range_m: 5.0, azimuth_deg: 0.5, elevation_deg: 0.8, range_rate_mps: 0.5}
    detection_probability: 0.9
    clutter_per_scan: 50.0
    field_of_view: {range_m: [50, 2000], azimuth_deg: [-30, 40], elevation_deg: [-2, 60], range_rate_mps: [-40, 40]}
    scan_period_s: 0.1
    doppler_notch_mps: 1.0
"""
LEAST = """
sensors:
  - id: cam
    kind: eo
    sigma: {azimuth_deg: 0.1, elevation_deg: 0.1}
    field_of_view: {}
    scan_period_s: 0.04
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return read_sensors_yaml(path)


def test_the_example_of_the_format_is_read_in_radians(tmp_path):
    file = read(tmp_path, EXAMPLE)
    assert file.datum is not None
    assert file.datum.altitude_m == 700.0
    (radar,) = file.sensors
    assert (radar.sensor_id, radar.platform_id, radar.position_m) == ("radar_1", "tank_1", (0.0, 0.0, 2.5))
    assert radar.yaw_rad == pytest.approx(math.pi / 2)
    assert radar.sigma.azimuth_rad == pytest.approx(math.radians(0.5))
    assert radar.sigma.tdoa_s is None
    assert radar.field_of_view.azimuth_rad == pytest.approx((math.radians(-30), math.radians(40)))
    assert (radar.clutter_per_scan, radar.doppler_notch_mps) == (50.0, 1.0)


def test_what_is_left_out_has_its_default(tmp_path):
    (camera,) = read(tmp_path, LEAST).sensors
    assert (camera.angles, camera.range_rate, camera.platform_id) == ("enu", "ground", None)
    assert (camera.detection_probability, camera.clutter_per_scan, camera.doppler_notch_mps) == (0.9, 0.0, 0.0)
    assert camera.field_of_view == FieldOfView()


def test_what_is_written_reads_back(tmp_path):
    file = read(tmp_path, EXAMPLE)
    write_sensors_yaml(tmp_path / "again.yaml", file.sensors, file.datum)
    again = read_sensors_yaml(tmp_path / "again.yaml")
    assert again == file
    assert "azimuth_deg: 0.5" in (tmp_path / "again.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("azimuth_deg: 0.5,", "azimuth_deg: -0.4,", "s.yaml:11: sensors[0].sigma.azimuth_deg = -0.4: must be > 0"),
        ("range_m: 5.0,", "range: 5.0,", "s.yaml:11: sensors[0].sigma.range = 5.0: unknown key"),
        (
            "kind: radar",
            "kind: lidar",
            "sensors[0].kind = 'lidar': must be one of 'radar', 'eo', 'ir', 'acoustic' or 'rf'",
        ),
        ("scan_period_s: 0.1", "", "sensors[0].scan_period_s: is missing"),
        ("[50, 2000]", "[2000, 50]", "field_of_view.range_m = [2000, 50]: must rise"),
        ("detection_probability: 0.9", "detection_probability: 1.9", "detection_probability = 1.9: must be <= 1"),
        ("id: radar_1", "id: radar 1", "s.yaml:4: sensors[0].id = 'radar 1': must hold only letters"),
        ("clutter_per_scan: 50.0", "clutter_per_scan: .nan", "clutter_per_scan = nan: must be a finite number"),
        ("[0.0, 0.0, 2.5]", "[0.0, 0.0]", "sensors[0].position_m[2]: is missing"),
        ("angles: enu", "angles: enu\n    angles: sensor", "sensors[0].angles: stands twice, first in line 9"),
        (
            "sigma: {range_m: 5.0, azimuth_deg: 0.5, elevation_deg: 0.8, range_rate_mps: 0.5}",
            "sigma: {}",
            "at least one",
        ),
        ("latitude_deg: 43.2", "latitude_deg: 143.2", "s.yaml:2: datum.latitude_deg = 143.2: must be <= 90"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, old, new, message):
    assert old in EXAMPLE
    with pytest.raises(TableError) as error:
        read(tmp_path, EXAMPLE.replace(old, new))
    assert message in str(error.value)


def test_all_errors_come_at_once(tmp_path):
    text = EXAMPLE.replace("azimuth_deg: 0.5,", "azimuth_deg: 0,").replace("kind: radar", "kind: sonar")
    with pytest.raises(TableError) as error:
        read(tmp_path, text)
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "sensors: []", "[1, 2]", "sensors: {", "just words"])
def test_a_file_that_is_no_sensors_file_is_refused(tmp_path, text):
    with pytest.raises(TableError, match=r"s\.yaml"):
        read(tmp_path, text)


def test_a_doubled_sensor_and_a_missing_file_are_refused(tmp_path):
    body = LEAST.removeprefix("\nsensors:\n")
    with pytest.raises(TableError, match=r"sensors\[1\]\.id = cam: must be unique"):
        read(tmp_path, LEAST + body)
    with pytest.raises(TableError, match="no such file"):
        read_sensors_yaml(tmp_path / "nowhere.yaml")
