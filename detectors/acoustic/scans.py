"""From sound to messages: a microphone's or array's description and one scan a second.

The microphones stay where they are and their forward axis faces north, unless a platform carries them: angles are in
the array's own axes (``angles: sensor``). One microphone hears a drone but not where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.acoustic.bearing import Bearing, MicrophoneArray
from detectors.acoustic.classifier import AcousticClassifier, Claim
from detectors.acoustic.folder import CLASSES
from detectors.acoustic.rotor import Rotor, hear_rotor
from detectors.acoustic.sound import SAMPLE_RATE_HZ, WINDOW_S, Condition, Recording, Window
from messages.detections import INDEX, N_COLUMNS, empty_rows, pack
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

DETECTION_PROBABILITY = 0.95
CLUTTER_PER_SCAN = 0.03
"""Recall and the share of background seconds called a drone, on held-out clips (the model's card)."""
RANGE_LIMITS_M = (1.0, 500.0)
"""Small drones were heard at 60 to 450 m by arrays of 4 to 64 microphones."""
NO_BEARING_SIGMA_RAD = float(np.pi / np.sqrt(3.0))
"""Of a bearing that is not known at all: uniform round the horizon."""
TURBULENCE_RAD = float(np.radians(1.0))
"""Wind and warm air bend sound; added to what the array itself allows (estimate)."""
MAX_HEIGHT_DB = 200.0


@dataclass(frozen=True)
class Heard:
    """What was made of one second; ``bearing`` and ``rotor`` only where a drone is claimed."""

    window: int
    t_ns: int
    condition: Condition
    claim: Claim
    bearing: Bearing | None
    rotor: Rotor | None


def listen(recording: Recording, classifier: AcousticClassifier, array: MicrophoneArray | None) -> Iterator[Heard]:
    """Judge a recording second by second; its first microphone decides what it is, the array where."""
    classifier.forget()
    for window in recording.windows():
        yield _heard(window, classifier, array)


def _heard(window: Window, classifier: AcousticClassifier, array: MicrophoneArray | None) -> Heard:
    first = np.asarray(window.sound[:, 0])
    claim = classifier.step(first, window.condition)
    drone = claim.label == CLASSES[1]
    bearing = array.locate(window.sound.astype(np.float64), SAMPLE_RATE_HZ) if drone and array is not None else None
    return Heard(window.number, window.t_ns, window.condition, claim, bearing, hear_rotor(first) if drone else None)


def description(sensor_id: str, array: MicrophoneArray | None) -> SensorDescription:
    """Return the description of a microphone or an array that faces north from the origin."""
    sigma = TURBULENCE_RAD if array is not None else NO_BEARING_SIGMA_RAD
    return SensorDescription(
        sensor_id=sensor_id,
        kind="acoustic",
        angles="sensor",
        sigma=MeasurementSigma(azimuth_rad=sigma, elevation_rad=sigma if array is not None else None),
        detection_probability=DETECTION_PROBABILITY,
        clutter_per_scan=CLUTTER_PER_SCAN,
        field_of_view=FieldOfView(range_m=RANGE_LIMITS_M, azimuth_rad=(0.0, 2.0 * np.pi)),
        scan_period_s=float(WINDOW_S),
    )


def scan_message(heard: Heard, sensor_id: str) -> SensorScan | None:
    """Return one second as a scan, an empty one where no drone is claimed; None where the microphone was silent.

    A silent microphone has not listened: a scan of it would say that nothing was there.
    """
    if heard.condition == "silent":
        return None
    rows = empty_rows(int(heard.rotor is not None), len(CLASSES))
    if heard.rotor is not None:
        rows[0, INDEX["snr_db"]] = min(heard.rotor.height_db, MAX_HEIGHT_DB)
        rows[0, N_COLUMNS:] = [1.0 - heard.claim.drone, heard.claim.drone]
    if heard.bearing is not None:
        b = heard.bearing
        rows[0, INDEX["azimuth_rad"]], rows[0, INDEX["elevation_rad"]] = b.azimuth_rad, b.elevation_rad
        rows[0, INDEX["azimuth_sigma_rad"]] = np.hypot(b.azimuth_sigma_rad, TURBULENCE_RAD)
        rows[0, INDEX["elevation_sigma_rad"]] = np.hypot(b.elevation_sigma_rad, TURBULENCE_RAD)
    return SensorScan(
        sensor_id=sensor_id, scan=heard.window, t_ns=heard.t_ns, class_names=CLASSES, detections=pack(rows)
    )
