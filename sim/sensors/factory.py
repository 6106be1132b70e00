"""From a mounted sensor to its model: one class a kind, and one for cameras on a head."""

from __future__ import annotations

import numpy as np

from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import CameraProfile
from sim.sensors.acoustic import MicrophoneArray
from sim.sensors.base import Sensor
from sim.sensors.camera import Camera
from sim.sensors.pointed import PointedCamera
from sim.sensors.radar import Radar
from sim.sensors.rf import RadioFinder
from sim.sensors.targets import TargetTable

MODELS: dict[str, type[Sensor]] = {
    "radar": Radar,
    "eo": Camera,
    "ir": Camera,
    "acoustic": MicrophoneArray,
    "rf": RadioFinder,
}


def build(mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator) -> Sensor:
    """Return the model of a mounted sensor."""
    if isinstance(mount.profile, CameraProfile) and mount.profile.pan_tilt is not None:
        return PointedCamera(mount, targets, environment, rng)
    return MODELS[mount.profile.kind](mount, targets, environment, rng)
