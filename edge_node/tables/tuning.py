"""Tune the tracker to a recording: track it, judge the evidence, track it again with what was chosen.

Nothing is drawn and no clock is read: the same files give the same choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from edge_node.tables.detections_file import HeardScan
from edge_node.tables.feeding import PROGRESS_EVERY, PoseFeed, Progress, released
from edge_node.tables.tuned import FIELDS, scaled_scan, scaled_sigma
from edge_node.tables.tuning_file import SourceEntry, TuningEntry
from fusion.config import TrackerConfig
from fusion.kernels.measurement import AZIMUTH, ELEVATION, RANGE, RANGE_RATE
from fusion.tuning import Choice, MotionChoice, SensorChoice, choose_motion, choose_sensor, confirmed
from fusion.witness import Witness
from messages.detections import N_COLUMNS
from messages.types import PlatformPose, SensorDescription, SensorScan

MOST_SCANS = 20_000  # the first ones of a recording; half an hour of a radar at 10 Hz, five minutes of a platoon
STARTS = (1.0, 2.0, 0.5)  # times all stated sigmas: too small ones lose the detections that would say so
ROUNDS = 2  # after the start: the second changes what it finds by less than its error
COMPONENTS = {"range": RANGE, "azimuth": AZIMUTH, "elevation": ELEVATION, "range_rate": RANGE_RATE}
CLUTTER_SHARE = 0.5  # of a look's detections, at the start: tracks must not live on clutter that nobody has described

Scales = dict[str, dict[str, float]]
"""Scales of the stated sigmas by sensor and component."""


def tuning_of(
    heard: Iterable[HeardScan],
    sensors: Sequence[SensorDescription],
    poses: Sequence[PlatformPose],
    name: str,
    progress: Progress | None = None,
) -> TuningEntry:
    """Return the parameters chosen for a recording of this name; scans of other sensors are left out."""
    ids = {sensor.sensor_id for sensor in sensors}
    known = [item for item in heard if item.scan.sensor_id in ids]
    scans = list(released(known, "validity"))[:MOST_SCANS]
    study = Study(scans, sensors, poses, progress)
    chosen, motion = study.run()
    source = SourceEntry(detections=name, scans_used=len(scans), scans=len(known))
    document = {
        "motion": motion_document(motion),
        "sensors": [{"id": s.sensor_id} | sensor_document(chosen[s.sensor_id]) for s in sensors],
    }
    return TuningEntry.model_validate({"tuned_on": source.model_dump()} | document)


class Study:
    """One recording tracked several times with what is known of its sensors by then."""

    def __init__(
        self,
        scans: Sequence[SensorScan],
        sensors: Sequence[SensorDescription],
        poses: Sequence[PlatformPose],
        progress: Progress | None,
    ) -> None:
        self._scans, self._sensors, self._poses, self._progress = scans, sensors, poses, progress
        self._done = 0

    def run(self) -> tuple[dict[str, SensorChoice], MotionChoice]:
        """Return the choices by sensor, and the motion models."""
        scales, witness = self._start()
        chosen: dict[str, SensorChoice] = {}
        for _ in range(ROUNDS):
            chosen = {
                s.sensor_id: choose_sensor(witness, s, self._alike(s), numbered(scales[s.sensor_id]))
                for s in self._sensors
            }
            scales = {name: chosen_scales(choice) for name, choice in chosen.items()}
            witness = self._track_with(chosen, scales)
        default = TrackerConfig().motion
        believed = {name: confirmed(witness, name, choice, default) for name, choice in chosen.items()}
        left = {name: chosen_scales(choice) for name, choice in believed.items()}
        witness = witness if left == scales else self._track_with(believed, left)
        return believed, choose_motion(witness, default)

    def _alike(self, sensor: SensorDescription) -> list[str]:
        """Return the sensors of the same kind with the same stated sigmas and period: one make."""
        make = sensor.kind, sensor.sigma, sensor.scan_period_s
        return [s.sensor_id for s in self._sensors if (s.kind, s.sigma, s.scan_period_s) == make]

    def _start(self) -> tuple[Scales, Witness]:
        """Return the scale of all sigmas with which most detections clearly belong to tracks, and what was seen."""
        best: tuple[Scales, Witness] | None = None
        for k in STARTS:
            scales = {s.sensor_id: dict.fromkeys(FIELDS, k) for s in self._sensors}
            witness = self._track(self._guessed_clutter(), scales)
            if best is None or witness.clear > best[1].clear:
                best = scales, witness
        assert best is not None
        return best

    def _guessed_clutter(self) -> list[SensorDescription]:
        """Return the sensors with at least half of their detections taken for clutter."""
        looks: dict[str, int] = {}
        rows: dict[str, int] = {}
        for scan in self._scans:
            looks[scan.sensor_id] = looks.get(scan.sensor_id, 0) + 1
            found = len(scan.detections) // (8 * (N_COLUMNS + len(scan.class_names)))
            rows[scan.sensor_id] = rows.get(scan.sensor_id, 0) + found
        out = []
        for s in self._sensors:
            guess = CLUTTER_SHARE * rows.get(s.sensor_id, 0) / max(looks.get(s.sensor_id, 0), 1)
            out.append(replace(s, clutter_per_scan=max(s.clutter_per_scan, guess)))
        return out

    def _track_with(self, chosen: Mapping[str, SensorChoice], scales: Scales) -> Witness:
        return self._track([_with_rates(s, chosen[s.sensor_id]) for s in self._sensors], scales)

    def _track(self, sensors: Sequence[SensorDescription], scales: Scales) -> Witness:
        """Track all scans with these sensors and scales of their sigmas, the poses coming in between."""
        witness = Witness(TrackerConfig())
        for s in sensors:
            witness.add_sensor(replace(s, sigma=scaled_sigma(s.sigma, scales[s.sensor_id])))
        platforms = {s.platform_id for s in sensors}
        feed = PoseFeed(pose for pose in self._poses if pose.platform_id in platforms)
        for scan in self._scans:
            for pose in feed.until(scan.t_ns):
                witness.set_pose(pose)
            witness.step(scaled_scan(scan, scales[scan.sensor_id]))
            self._done += 1
            if self._progress is not None and self._done % PROGRESS_EVERY == 0:
                self._progress(self._done, len(self._scans) * (len(STARTS) + ROUNDS))
        return witness


def numbered(scales: Mapping[str, float]) -> dict[int, float]:
    """Return scales by the number of their component."""
    return {COMPONENTS[name]: scale for name, scale in scales.items()}


def chosen_scales(choice: SensorChoice) -> dict[str, float]:
    """Return the scales of one sensor's sigmas by name that are not 1."""
    scales = {name: choice.sigma_scale[c].value for name, c in COMPONENTS.items() if c in choice.sigma_scale}
    return {name: k for name, k in scales.items() if k != 1.0}


def _with_rates(sensor: SensorDescription, choice: SensorChoice) -> SensorDescription:
    return replace(
        sensor,
        detection_probability=choice.detection_probability.value,
        clutter_per_scan=choice.clutter_per_scan.value,
    )


def sensor_document(choice: SensorChoice) -> dict[str, Any]:
    """Return one sensor's parameters as the file has them."""
    scales = {n: choice.sigma_scale[c] for n, c in COMPONENTS.items() if c in choice.sigma_scale}
    return {
        "sigma_scale": {name: _document(c, "times the stated sigma") for name, c in scales.items()},
        "detection_probability": _document(choice.detection_probability, "probability"),
        "clutter_per_scan": _document(choice.clutter_per_scan, "false detections a scan"),
    }


def _document(choice: Choice, unit: str) -> dict[str, Any]:
    return {"value": choice.value, "default": choice.default, "unit": unit, "evidence": choice.evidence}


def motion_document(motion: MotionChoice) -> Mapping[str, Any]:
    """Return the motion models as the file has them."""
    new, old = motion.value, motion.default
    parts = {
        "acceleration_intensity_m2ps3": (list(new.acceleration_intensity), list(old.acceleration_intensity), "m^2/s^3"),
        "stationary": (list(new.stationary), list(old.stationary), "share of time"),
        "sojourn_s": (new.sojourn_s, old.sojourn_s, "s"),
        "correlation_s": (list(new.correlations_s), list(old.correlations_s), "s"),
    }
    return {
        name: {"value": value, "default": default, "unit": unit, "evidence": motion.evidence}
        for name, (value, default, unit) in parts.items()
    }
