"""Stone Soup on the column: every sensor in one tracker, each with its own measurement model.

It is given what a live node has not: all scans in order of validity, without delay. Angles are turned into ENU by
the reported poses; the radar starts tracks, the other sensors (which Stone Soup cannot invert) keep them; sound
is taken as if it came from where the target is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pyehm.plugins.stonesoup import JPDAWithEHM2
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.deleter.error import CovarianceBasedDeleter
from stonesoup.deleter.multi import CompositeDeleter
from stonesoup.deleter.time import UpdateTimeDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.hypothesiser.probability import PDAHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator, SimpleMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.nonlinear import (
    Cartesian2DToBearing,
    CartesianToElevationBearing,
    CartesianToElevationBearingRangeRate,
)
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
from stonesoup.predictor.kalman import KalmanPredictor
from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker
from stonesoup.types.detection import Detection
from stonesoup.updater.kalman import ExtendedKalmanUpdater

from benchmarks.core.reported_poses import ReportedPoses
from benchmarks.core.scenes import Scene
from benchmarks.core.stone_soup import (
    EPOCH,
    GATE_PROBABILITY,
    Rows,
    SetUp,
    clutter_density,
    prior_of,
)
from benchmarks.core.trial import Row
from messages.detections import block
from messages.frames import F64, azimuth_elevation_range, body_direction
from messages.types import SensorDescription, SensorScan

GATE_DISTANCE = {
    "radar": 4.6,
    "eo": 4.0,
    "ir": 4.0,
    "acoustic": 4.0,
    "rf": 3.6,
}  # chi-square at 0.9997: 4, 2, 1 components
HOLD_S = 1.0  # a beginning without a detection for so long was clutter
KEEP_S = 2.5  # a track without one for so long has ended
PLACE = (0, 2, 4)
STATES = 6


class BySensor:
    """Hand each scan to the associator of its sensor: clutter density and detection probability differ."""

    def __init__(self, associators: dict[str, Any]) -> None:
        self._associators = associators
        self.sensor_id = next(iter(associators))

    def associate(self, tracks: Any, detections: Any, timestamp: datetime, **_: Any) -> Any:
        """Return what the present sensor's associator says."""
        return self._associators[self.sensor_id].associate(tracks, detections, timestamp)


class ColumnRun:
    """One set-up on a column, a scan at a time, in order of validity."""

    def __init__(self, setup: SetUp, scene: Scene) -> None:
        self._sensors = {sensor.sensor_id: sensor for sensor in scene.sensors}
        self._scans = sorted((item.scan for item in scene.heard), key=lambda s: (s.t_ns, s.sensor_id))
        poses = ReportedPoses(scene.poses)
        self._detections = [detections_of(self._sensors[s.sensor_id], s, poses) for s in self._scans]
        self._associator = by_sensor(setup, scene)
        self._tracker = iter(build(setup, self._associator, self._detections))
        self._rows = Rows(list(PLACE), [scan.t_ns for scan in self._scans])
        self.times_ns = np.array([scan.t_ns for scan in self._scans], dtype=np.int64)

    def steps(self) -> Iterator[Callable[[], Any]]:
        """Yield one step a scan."""
        for scan in self._scans:
            self._associator.sensor_id = scan.sensor_id
            yield lambda: next(self._tracker)

    def rows(self, result: Any) -> list[Row]:
        """Return the tracks after a step."""
        return self._rows.of(result)


def filters(setup: SetUp) -> tuple[Any, Any]:
    """Return predictor and updater."""
    axes = [ConstantVelocity(setup.intensity_m2ps3)] * 3
    return KalmanPredictor(CombinedLinearGaussianTransitionModel(axes)), ExtendedKalmanUpdater(measurement_model=None)


def by_sensor(setup: SetUp, scene: Scene) -> BySensor:
    """Return the associators of a scene's sensors."""
    predictor, updater = filters(setup)
    made: dict[str, Any] = {}
    for sensor in scene.sensors:
        if setup.joint:
            density, pd = clutter_density(sensor), sensor.detection_probability
            made[sensor.sensor_id] = JPDAWithEHM2(PDAHypothesiser(predictor, updater, density, pd, GATE_PROBABILITY))
        else:
            made[sensor.sensor_id] = nearest(predictor, updater, GATE_DISTANCE[sensor.kind])
    return BySensor(made)


def nearest(predictor: Any, updater: Any, gate: float) -> Any:
    """Return a global nearest neighbour associator."""
    return GNNWith2DAssignment(DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=gate))


def build(setup: SetUp, associator: BySensor, detector: Any) -> Any:
    """Return the tracker."""
    predictor, updater = filters(setup)
    prior = prior_of(setup, STATES)
    initiator = MultiMeasurementInitiator(
        prior_state=prior,
        deleter=UpdateTimeDeleter(timedelta(seconds=HOLD_S)),
        data_associator=nearest(predictor, updater, GATE_DISTANCE["radar"]),
        updater=updater,
        min_points=setup.min_points,
        initiator=SimpleMeasurementInitiator(prior, None),
        skip_non_reversible=True,
    )
    deleter = CompositeDeleter(
        [
            UpdateTimeDeleter(timedelta(seconds=KEEP_S)),
            CovarianceBasedDeleter(setup.largest_trace_m2, mapping=list(PLACE)),
        ],
        intersect=False,
    )
    kind = MultiTargetMixtureTracker if setup.joint else MultiTargetTracker
    return kind(initiator, deleter, detector, associator, updater)


def detections_of(sensor: SensorDescription, scan: SensorScan, poses: ReportedPoses) -> tuple[datetime, set[Any]]:
    """Return a scan as Stone Soup's detections in ENU."""
    when = EPOCH + timedelta(microseconds=scan.t_ns / 1e3)
    origin, enu_from_sensor = poses.sensor_pose(sensor, scan.t_ns)
    model = model_of(sensor, origin)
    rows = block(scan)
    elevation = np.zeros(len(rows)) if sensor.sigma.elevation_rad is None else rows[:, 2]
    azimuth, elevation, _ = azimuth_elevation_range(body_direction(rows[:, 1], elevation) @ enu_from_sensor.T)
    bearing = 0.5 * np.pi - azimuth
    if sensor.sigma.elevation_rad is None:
        vectors = bearing[:, None]
    elif sensor.sigma.range_m is None:
        vectors = np.stack([elevation, bearing], axis=1)
    else:
        vectors = np.stack([elevation, bearing, rows[:, 0], rows[:, 3]], axis=1)
    return when, {Detection(vector[:, None], timestamp=when, measurement_model=model) for vector in vectors}


def model_of(sensor: SensorDescription, origin_m: F64) -> Any:
    """Return the measurement model of a sensor at a place."""
    sigma = sensor.sigma
    deviations = [sigma.elevation_rad, sigma.azimuth_rad, sigma.range_m, sigma.range_rate_mps]
    noise = np.diag([float(value) ** 2 for value in deviations if value is not None])
    place: dict[str, Any] = {"ndim_state": STATES, "noise_covar": noise}
    if sigma.elevation_rad is None:
        return Cartesian2DToBearing(mapping=PLACE[:2], translation_offset=origin_m[:2, None], **place)
    place |= {"mapping": PLACE, "translation_offset": origin_m[:, None]}
    if sigma.range_m is None:
        return CartesianToElevationBearing(**place)
    return CartesianToElevationBearingRangeRate(velocity_mapping=(1, 3, 5), **place)
