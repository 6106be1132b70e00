"""Write a recording as somebody else would: DETECTIONS.csv, SENSORS.yaml, POSES.csv and TRUTH.csv.

Standard library only, nothing of the project. The scene: a carrier drives north-east with a radar on
its mast (angles in the radar's own axes, range rate as measured); an infrared camera stands beside
the road (bearing only, angles in ENU); two quadcopters fly past, one of them turning.

    python make_foreign_data.py FOLDER [--seed N] [--seconds S]
"""

from __future__ import annotations

import argparse
import csv
import math
import random
from pathlib import Path

RADAR_PERIOD_S, CAMERA_PERIOD_S, POSE_PERIOD_S, TRUTH_PERIOD_S = 0.2, 0.1, 0.1, 0.2
RADAR_DELAY_S, CAMERA_DELAY_S = 0.03, 0.08
RADAR_SIGMA = {"range_m": 4.0, "azimuth_deg": 0.7, "elevation_deg": 0.9, "range_rate_mps": 0.5}
CAMERA_SIGMA = {"azimuth_deg": 0.05, "elevation_deg": 0.05}
CAMERA_M = (60.0, 140.0, 4.0)
CAMERA_FOV_DEG = {"azimuth_deg": (-60.0, 60.0), "elevation_deg": (-5.0, 40.0)}
RADAR_FOV = {
    "range_m": (50.0, 1500.0),
    "azimuth_deg": (-90.0, 90.0),
    "elevation_deg": (-5.0, 60.0),
    "range_rate_mps": (-50.0, 50.0),
}
RADAR_PD, RADAR_CLUTTER, CAMERA_PD, CAMERA_CLUTTER = 0.9, 2.0, 0.85, 0.3
MAST_M = 3.2  # the radar above the carrier's reference point

SENSORS_YAML = """\
sensors:
  - id: mast_radar
    kind: radar
    platform: carrier
    position_m: [0.0, 0.0, 3.2]
    orientation_deg: {yaw: 0.0, pitch: 0.0, roll: 0.0}
    angles: sensor
    range_rate: sensor
    sigma: {range_m: 4.0, azimuth_deg: 0.7, elevation_deg: 0.9, range_rate_mps: 0.5}
    detection_probability: 0.9
    clutter_per_scan: 2.0
    field_of_view: {range_m: [50, 1500], azimuth_deg: [-90, 90], elevation_deg: [-5, 60], range_rate_mps: [-50, 50]}
    scan_period_s: 0.2
  - id: roadside_ir
    kind: ir
    position_m: [60.0, 140.0, 4.0]
    angles: enu
    sigma: {azimuth_deg: 0.05, elevation_deg: 0.05}
    detection_probability: 0.85
    clutter_per_scan: 0.3
    field_of_view: {azimuth_deg: [-60, 60], elevation_deg: [-5, 40]}
    scan_period_s: 0.1
"""
COLUMNS = (
    "time_s", "arrival_s", "sensor", "scan", "range_m", "azimuth_deg", "elevation_deg", "range_rate_mps", "snr_db",
    "class_drone",
)  # fmt: skip

Vector = tuple[float, float, float]


def carrier(t_s: float) -> tuple[Vector, Vector, float]:
    """Return position, velocity and yaw (clockwise from north, radians) of the carrier."""
    yaw = math.radians(20.0) + math.radians(10.0) * math.sin(2.0 * math.pi * t_s / 40.0)
    east = 5.0 * t_s * math.sin(math.radians(20.0))
    north = 5.0 * t_s * math.cos(math.radians(20.0))
    velocity = (5.0 * math.sin(math.radians(20.0)), 5.0 * math.cos(math.radians(20.0)), 0.0)
    return (east, north, 0.0), velocity, yaw


def crossing(t_s: float) -> Vector:
    """Return where the crossing quadcopter is: straight, level, 15 m/s to the west."""
    return (450.0 - 15.0 * t_s, 620.0, 80.0)


def circling(t_s: float) -> Vector:
    """Return where the circling quadcopter is: radius 90 m, 12 m/s, slowly sinking."""
    turn = 12.0 / 90.0 * t_s
    return (-40.0 + 90.0 * math.cos(turn), 480.0 + 90.0 * math.sin(turn), 130.0 - 0.5 * t_s)


TARGETS = {"crossing": crossing, "circling": circling}


def difference(a: Vector, b: Vector) -> Vector:
    """Return a - b."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def velocity_of(target: str, t_s: float) -> Vector:
    """Return a target's velocity by a central difference."""
    d = difference(TARGETS[target](t_s + 0.005), TARGETS[target](t_s - 0.005))
    return (d[0] / 0.01, d[1] / 0.01, d[2] / 0.01)


def spherical(d: Vector) -> tuple[float, float, float]:
    """Return range, azimuth clockwise from north and elevation [deg] of an ENU offset."""
    range_m = math.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
    return range_m, math.degrees(math.atan2(d[0], d[1])), math.degrees(math.asin(d[2] / range_m))


def half_turn(angle_deg: float) -> float:
    """Wrap to -180..180."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def covered(values: dict[str, float], limits: dict[str, tuple[float, float]]) -> bool:
    """Say whether each measured value lies inside the field of view."""
    return all(low <= values[name] <= high for name, (low, high) in limits.items())


def radar_scan(t_s: float, chance: random.Random) -> list[dict[str, float]]:
    """Return the radar's detections: azimuth from the carrier's nose, its own motion not removed."""
    place, velocity, yaw = carrier(t_s)
    found = []
    for name, target in TARGETS.items():
        d = difference(target(t_s), (place[0], place[1], MAST_M))
        range_m, azimuth, elevation = spherical(d)
        closing = difference(velocity_of(name, t_s), velocity)
        true = {
            "range_m": range_m,
            "azimuth_deg": half_turn(azimuth - math.degrees(yaw)),
            "elevation_deg": elevation,
            "range_rate_mps": sum(x * v for x, v in zip(d, closing, strict=True)) / range_m,
        }
        if covered(true, RADAR_FOV) and chance.random() < RADAR_PD:
            seen = {key: value + chance.gauss(0.0, RADAR_SIGMA[key]) for key, value in true.items()}
            found.append({**seen, "snr_db": 18.0, "class_drone": 0.8})
    found += clutter(RADAR_FOV, RADAR_CLUTTER, chance)
    return found


def camera_scan(t_s: float, chance: random.Random) -> list[dict[str, float]]:
    """Return the camera's detections: direction only, in ENU."""
    found = []
    for target in TARGETS.values():
        _, azimuth, elevation = spherical(difference(target(t_s), CAMERA_M))
        true = {"azimuth_deg": azimuth, "elevation_deg": elevation}
        if covered(true, CAMERA_FOV_DEG) and chance.random() < CAMERA_PD:
            found.append({key: value + chance.gauss(0.0, CAMERA_SIGMA[key]) for key, value in true.items()})
    return found + clutter(CAMERA_FOV_DEG, CAMERA_CLUTTER, chance)


def clutter(limits: dict[str, tuple[float, float]], mean: float, chance: random.Random) -> list[dict[str, float]]:
    """Return false detections, uniform over the field of view, their number Poisson."""
    left, n = math.exp(-mean), 0
    product = chance.random()
    while product > left:
        product *= chance.random()
        n += 1
    return [{key: chance.uniform(low, high) for key, (low, high) in limits.items()} for _ in range(n)]


def detections(seconds: float, chance: random.Random) -> list[dict[str, object]]:
    """Return every row of DETECTIONS.csv, in no order; a look without a detection is a row without a measurement."""
    rows: list[dict[str, object]] = []
    for sensor, period_s, delay_s, scanned in (
        ("mast_radar", RADAR_PERIOD_S, RADAR_DELAY_S, radar_scan),
        ("roadside_ir", CAMERA_PERIOD_S, CAMERA_DELAY_S, camera_scan),
    ):
        for scan in range(round(seconds / period_s)):
            t_s = scan * period_s + 0.05
            head = {"time_s": t_s, "arrival_s": t_s + delay_s, "sensor": sensor, "scan": scan}
            rows += [{**head, **found} for found in scanned(t_s, chance) or [{}]]
    return rows


def text(value: object) -> object:
    """Return a number with as many digits as anybody measures."""
    return f"{value:.6f}" if isinstance(value, float) else value


def write(path: Path, columns: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    """Write one CSV file; missing values are empty."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows({key: text(value) for key, value in row.items()} for row in rows)


def main() -> None:
    """Write the four files."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=30.0)
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    write(given.folder / "DETECTIONS.csv", COLUMNS, detections(given.seconds, random.Random(given.seed)))
    (given.folder / "SENSORS.yaml").write_text(SENSORS_YAML, encoding="utf-8")
    poses: list[dict[str, object]] = []
    for i in range(round(given.seconds / POSE_PERIOD_S) + 1):
        (east, north, up), _, yaw = carrier(i * POSE_PERIOD_S)
        poses.append(
            {"time_s": i * POSE_PERIOD_S, "platform": "carrier", "east_m": east, "north_m": north, "up_m": up}
            | {"yaw_deg": math.degrees(yaw), "pitch_deg": 0.0, "roll_deg": 0.0}
        )
    pose_columns = ("time_s", "platform", "east_m", "north_m", "up_m", "yaw_deg", "pitch_deg", "roll_deg")
    write(given.folder / "POSES.csv", pose_columns, poses)
    truth: list[dict[str, object]] = []
    for i in range(1, round(given.seconds / TRUTH_PERIOD_S)):
        for name, target in TARGETS.items():
            east, north, up = target(i * TRUTH_PERIOD_S)
            truth.append(
                {"time_s": i * TRUTH_PERIOD_S, "target_id": name, "east_m": east, "north_m": north, "up_m": up}
            )
    write(given.folder / "TRUTH.csv", ("time_s", "target_id", "east_m", "north_m", "up_m"), truth)


if __name__ == "__main__":
    main()
