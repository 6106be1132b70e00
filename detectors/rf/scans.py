"""From snapshots to messages: a direction finder's description, and one scan a snapshot.

The finder is level and faces north at the origin unless a platform carries it: angles are in the array's own axes
(``angles: sensor``). One antenna hears a link but not where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.rf.classifier import CLASSES, Claim, EmitterClassifier
from detectors.rf.recording import SNAPSHOT_S, Recording, Snapshot
from messages.detections import INDEX, N_COLUMNS, empty_rows, pack
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

DETECTION_PROBABILITY = 0.84
"""Share of simulated emitters held out that are found at 0 dB; stronger ones are found more often."""
CLUTTER_PER_SCAN = 0.01
"""Signals reported of noise alone: an assumption, set by the threshold's false alarm rate and not by recordings."""
RANGE_LIMITS_M = (10.0, 10_000.0)
"""Small drones' links are heard to 1 to 5 km by such finders (shared with the plot-level model)."""
NO_BEARING_SIGMA_RAD = float(np.pi / np.sqrt(3.0))
"""Of a bearing that is not known at all: uniform round the horizon."""
REFLECTIONS_RAD = float(np.radians(1.5))
"""Rays off the own vehicle: 1.15 deg were measured of a standing Mavic, 1.86 of a moving one; added to the bound."""


@dataclass(frozen=True)
class Heard:
    """What was made of one snapshot; ``claims`` is empty where only noise was heard."""

    snapshot: Snapshot
    claims: tuple[Claim, ...]


def listen(recording: Recording, classifier: EmitterClassifier) -> Iterator[Heard]:
    """Judge a recording snapshot by snapshot; a dead antenna's snapshot is not judged at all."""
    for snapshot in recording.snapshots():
        claims: list[Claim] = []
        if snapshot.condition != "silent":
            claims = classifier.judge(snapshot.samples, recording.rate_hz, snapshot.frequency_hz, recording.antennas_m)
        yield Heard(snapshot, tuple(claims))


def azimuth_sigma_rad(claim: Claim) -> float:
    """Return the standard deviation of a claim's azimuth: what the noise leaves open, and reflections."""
    if claim.bearing is None:
        return NO_BEARING_SIGMA_RAD
    return float(np.hypot(claim.bearing.azimuth_sigma_rad, REFLECTIONS_RAD))


def description(sensor_id: str, recording: Recording) -> SensorDescription:
    """Return the description of a receiver or direction finder that faces north from the origin."""
    known = recording.antennas_m is not None and recording.channels >= 3
    starts = np.array([c.t_s for c in recording.captures])
    period_s = float(np.median(np.diff(starts))) if len(starts) > 1 else SNAPSHOT_S
    return SensorDescription(
        sensor_id=sensor_id,
        kind="rf",
        angles="sensor",
        sigma=MeasurementSigma(azimuth_rad=REFLECTIONS_RAD if known else NO_BEARING_SIGMA_RAD),
        detection_probability=DETECTION_PROBABILITY,
        clutter_per_scan=CLUTTER_PER_SCAN,
        field_of_view=FieldOfView(range_m=RANGE_LIMITS_M, azimuth_rad=(0.0, 2.0 * np.pi)),
        scan_period_s=max(period_s, SNAPSHOT_S),
    )


def scan_message(heard: Heard, sensor_id: str) -> SensorScan | None:
    """Return one snapshot as a scan, an empty one where nothing was heard; None where an antenna was dead.

    A dead antenna has not listened: a scan of it would say that nothing was there.
    """
    if heard.snapshot.condition == "silent":
        return None
    rows = empty_rows(len(heard.claims), len(CLASSES))
    for row, claim in zip(rows, heard.claims, strict=True):
        row[INDEX["snr_db"]] = claim.signal.snr_db
        row[N_COLUMNS:] = np.clip(claim.probabilities, 0.0, 1.0)
        if claim.bearing is not None:
            row[INDEX["azimuth_rad"]] = claim.bearing.azimuth_rad
            row[INDEX["azimuth_sigma_rad"]] = azimuth_sigma_rad(claim)
    return SensorScan(
        sensor_id=sensor_id,
        scan=heard.snapshot.number,
        t_ns=heard.snapshot.t_ns,
        class_names=CLASSES,
        detections=pack(rows),
    )
