"""Make a small run folder by hand: two tanks, three targets, five kinds of sensors, tracks near the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.run_folder import write_truth_files
from edge_node.tables.alerts_file import write_alerts
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.poses_file import write_poses
from edge_node.tables.sensors_file import write_sensors_yaml
from edge_node.tables.tracks_file import track_table, write_tracks
from messages import frames
from messages.detections import INDEX, empty_rows, pack
from messages.truth import TruePlatform, TruthSet, TruthState
from messages.types import (
    Alert,
    FieldOfView,
    MeasurementSigma,
    PlatformPose,
    SensorDescription,
    SensorScan,
    Track,
    TrackSet,
)

NS = 1_000_000_000
DURATION_S = 60.0
SIGMA_M = 4.0
SENSORS = (
    ("tank_1_radar", "radar", 0.1, {"range_m": 4.0, "azimuth_rad": 0.01, "elevation_rad": 0.015}, 3000.0),
    ("tank_1_ir", "ir", 0.2, {"azimuth_rad": 0.002, "elevation_rad": 0.002}, 1200.0),
    ("tank_1_acoustic", "acoustic", 0.5, {"azimuth_rad": 0.05}, 400.0),
    ("tank_2_eo", "eo", 0.2, {"azimuth_rad": 0.002, "elevation_rad": 0.002}, 900.0),
    ("tank_2_rf", "rf", 0.5, {"azimuth_rad": 0.06}, 3500.0),
)


def fpv(t: float) -> np.ndarray:
    return np.array([1500.0 - 28.0 * t, 900.0 - 17.0 * t, max(3.0, 60.0 - 0.8 * t)])


def quadcopter(t: float) -> np.ndarray:
    return np.array([-700.0 + 250.0 * np.cos(0.08 * t), 500.0 + 250.0 * np.sin(0.08 * t), 180.0])


def bird(t: float) -> np.ndarray:
    return np.array([300.0 + 9.0 * t, -500.0 + 60.0 * np.sin(0.1 * t), 40.0 + 10.0 * np.sin(0.3 * t)])


TARGETS = (("fpv_1", "fpv", True, fpv), ("recon_1", "quadcopter", True, quadcopter), ("bird_1", "bird", False, bird))


def tank(i: int, t: float) -> np.ndarray:
    return np.array([40.0 * (i - 1), 2.0 * t - 60.0, 0.0])


def _airborne(name: str, t: float) -> bool:
    return name != "fpv_1" or 5.0 <= t <= 52.5


def _pd(sensor: tuple, name: str, t: float, position: np.ndarray) -> float:
    far = float(np.linalg.norm(position - tank(int(sensor[0][5]), t)))
    if not _airborne(name, t) or (sensor[1] == "rf" and name == "bird_1") or far > sensor[4]:
        return 0.0
    return 0.9 * (1.0 - (far / sensor[4]) ** 4)


def describe() -> list[SensorDescription]:
    return [
        SensorDescription(
            sensor_id=name,
            kind=kind,
            platform_id=f"{name[:6]}/turret",
            position_m=(0.5, 0.0, 2.5),
            sigma=MeasurementSigma(**sigma),
            field_of_view=FieldOfView(range_m=(30.0, far), azimuth_rad=(0.0, 6.28), elevation_rad=(-0.1, 1.2)),
            scan_period_s=period,
            clutter_per_scan=0.3,
        )
        for name, kind, period, sigma, far in SENSORS
    ]


def poses(t: float) -> list[PlatformPose]:
    out = []
    for i in (1, 2):
        for suffix, yaw in (("", 0.0), ("/turret", 0.4 * np.sin(0.1 * t))):
            out.append(
                PlatformPose(
                    platform_id=f"tank_{i}{suffix}",
                    t_ns=round(t * NS),
                    position_m=tuple(tank(i, t).tolist()),
                    velocity_mps=(0.0, 2.0, 0.0),
                    yaw_rad=float(yaw),
                    position_sigma_m=0.5,
                    yaw_sigma_rad=0.002,
                    defended=not suffix,
                )
            )
    return out


def truth_set(t: float) -> TruthSet:
    targets = []
    for name, kind, threat, path in TARGETS:
        velocity = (path(t + 0.01) - path(t - 0.01)) / 0.02
        targets.append(
            TruthState(
                target_id=name,
                target_class=kind,
                threat=threat,
                airborne=_airborne(name, t),
                position_m=tuple(path(t).tolist()),
                velocity_mps=tuple(velocity.tolist()),
                detection_probability={s[0]: _pd(s, name, t, path(t)) for s in SENSORS},
            )
        )
    platforms = tuple(
        TruePlatform(
            platform_id=f"tank_{i}",
            position_m=tuple(tank(i, t).tolist()),
            velocity_mps=(0.0, 2.0, 0.0),
            yaw_rad=0.0,
            pitch_rad=0.0,
            roll_rad=0.0,
            noise_dba=90.0,
        )
        for i in (1, 2)
    )
    return TruthSet(t_ns=round(t * NS), targets=targets, platforms=platforms)


def _row(sensor: tuple, t: float, position: np.ndarray, rng: np.random.Generator, n_classes: int) -> np.ndarray:
    i = int(sensor[0][5])
    turret = poses(t)[2 * i - 1]
    turn = frames.enu_from_body(turret.yaw_rad, 0.0, 0.0)
    origin = tank(i, t) + turn @ np.array([0.5, 0.0, 2.5])
    azimuth, elevation, range_m = frames.azimuth_elevation_range(position - origin)
    row = empty_rows(1, n_classes)[0]
    for name, value in (("range_m", range_m), ("azimuth_rad", azimuth), ("elevation_rad", elevation)):
        if name in sensor[3]:
            row[INDEX[name]] = value + rng.normal() * sensor[3][name]
    return row


def scans(rng: np.random.Generator) -> list[HeardScan]:
    heard = []
    for sensor in SENSORS:
        names = ("drone", "bird") if sensor[1] in ("eo", "ir") else ()
        for k in range(int(DURATION_S / sensor[2])):
            t = k * sensor[2]
            rows = []
            for name, _, _, path in TARGETS:
                if rng.random() < _pd(sensor, name, t, path(t)):
                    seen = path(t)
                    if sensor[1] == "acoustic":
                        seen = path(t - np.linalg.norm(path(t) - tank(1, t)) / 340.3)
                    row = _row(sensor, t, seen, rng, len(names))
                    row[INDEX["snr_db"]] = 14.0
                    if names:
                        row[-2:] = (0.1, 0.8) if name == "bird_1" else (0.9, 0.05)
                    rows.append(row)
            for _ in range(rng.poisson(0.3)):
                where = np.array([rng.uniform(-800, 800), rng.uniform(-800, 800), rng.uniform(0, 200)])
                rows.append(_row(sensor, t, where, rng, len(names)))
            block = np.array(rows) if rows else empty_rows(0, len(names))
            scan = SensorScan(
                sensor_id=sensor[0], scan=k, t_ns=round(t * NS), class_names=names, detections=pack(block)
            )
            heard.append(HeardScan(round((t + 0.02 + 0.005 * rng.random()) * NS), scan))
    return sorted(heard, key=lambda h: h.t_arrival_ns)


def tracks(rng: np.random.Generator, seen_after_s: float = 3.0) -> list[TrackSet]:
    out = []
    for k in range(int(DURATION_S / 0.1)):
        t = k * 0.1 + 0.03
        rows = []
        for i, (name, kind, _, path) in enumerate(TARGETS):
            started = t > seen_after_s + (5.0 if name == "fpv_1" else 0.0)
            if not started or not _airborne(name, t):
                continue
            velocity = (path(t + 0.01) - path(t - 0.01)) / 0.02
            state = np.concatenate((path(t) + rng.normal(size=3) * SIGMA_M, velocity))
            covariance = np.diag([SIGMA_M**2] * 3 + [1.0] * 3)[np.triu_indices(6)]
            rows.append(
                Track(
                    track_id=i + 1,
                    t_ns=round(t * NS),
                    status="confirmed",
                    existence=0.99,
                    state=tuple(state.tolist()),
                    covariance=tuple(covariance.tolist()),
                    class_probabilities={kind: 0.9, "unknown": 0.1},
                    model_probabilities=(0.5, 0.5),
                    sensor_shares={},
                )
            )
        out.append(TrackSet(t_ns=round(t * NS), sensor_id="tank_1_radar", scan=k, tracks=tuple(rows)))
    return out


def alert(number: int, track_id: int, t: float, level: str, reason: str = "closing, on the rear") -> Alert:
    return Alert(
        alert_id=number,
        track_id=track_id,
        t_ns=round(t * NS),
        level=level,
        platform_id="tank_1",
        reason=reason,
        aspect="rear",
        priority=0.8,
        time_to_closest_s=20.0,
        distance_at_closest_m=5.0,
        range_m=900.0,
        azimuth_rad=1.0,
        elevation_rad=0.05,
    )


ALERTS = (
    alert(1, 1, 9.03, "INFO"),
    alert(2, 2, 9.5, "CAUTION", 'hovering, "observes"'),
    alert(3, 1, 14.03, "CAUTION"),
    alert(4, 1, 30.03, "WARNING"),
    alert(5, 3, 40.0, "INFO"),
    alert(6, 99, 20.0, "WARNING"),
)


def make_run(folder: Path, seed: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    times = [k * 0.1 for k in range(int(DURATION_S / 0.1))]
    write_truth_files(folder, [truth_set(t) for t in times], ["tank_1", "tank_2"])
    write_poses(folder / "poses.csv", [pose for t in times for pose in poses(t)])
    write_sensors_yaml(folder / "sensors.yaml", describe())
    write_detections(folder / "detections.csv", scans(rng))
    write_tracks(folder / "tracks.csv", track_table(tracks(rng)))
    write_alerts(folder / "alerts.csv", ALERTS)
    return folder
