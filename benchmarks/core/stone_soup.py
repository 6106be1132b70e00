"""Stone Soup on the scenes of one radar: JPDA with pyehm's EHM2, and global nearest neighbour, both over a KD-tree.

The same sensor model as ours: range, azimuth, elevation and range rate in an extended Kalman filter, described
noise, detection probability and clutter density. Tracks start in Stone Soup's multi-measurement initiator and
end in its deleters. States are x, vx, y, vy, z, vz (with accelerations between where the model has them) of
east, north, up; Stone Soup's bearing is counted from east to north.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from pyehm.plugins.stonesoup import JPDAWithEHM2
from stonesoup.dataassociator.tree import DetectionKDTreeGNN2D, KDTreeJPDA
from stonesoup.deleter.error import CovarianceBasedDeleter
from stonesoup.deleter.multi import CompositeDeleter
from stonesoup.deleter.time import UpdateTimeStepsDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.hypothesiser.probability import PDAHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator, SimpleMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRangeRate
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity, Singer
from stonesoup.predictor.kalman import KalmanPredictor
from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState
from stonesoup.updater.kalman import ExtendedKalmanUpdater

from benchmarks.core.scenes import Scene
from benchmarks.core.trial import Row
from messages.detections import block
from messages.types import SensorDescription

EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
GATE_PROBABILITY = 0.9997  # as ours: one true detection in 3000 is gated out
GATE_DISTANCE = 4.6  # its Mahalanobis distance with four components
TREE_REACH = 40.0  # distance in the mixed units of the KD-tree: 8 sigma of range; no gate reaches farther


@dataclass(frozen=True)
class SetUp:
    """What is tuned, for each kind of scene to the best GOSPA found on seeds that the benchmark does not use."""

    name: str
    joint: bool
    """JPDA with EHM2; else global nearest neighbour."""
    singer: bool = False
    """Correlated acceleration instead of white."""
    intensity_m2ps3: float = 1.0
    correlation_s: float = 0.7
    speed_sigma_mps: float = 12.0
    min_points: int = 4
    missed_before_start: int = 2
    missed_before_end: int = 8
    largest_trace_m2: float = 900.0


SET_UPS: dict[str, tuple[SetUp, ...]] = {
    "spread": (SetUp("stone soup ehm2", joint=True, min_points=3), SetUp("stone soup gnn", joint=False, min_points=3)),
    "swarm": (SetUp("stone soup ehm2", joint=True, min_points=2), SetUp("stone soup gnn", joint=False, min_points=3)),
    "manoeuvring": (
        SetUp("stone soup ehm2", True, singer=True, intensity_m2ps3=30.0, correlation_s=0.8, min_points=5),
        SetUp("stone soup gnn", False, singer=True, intensity_m2ps3=56.0, correlation_s=0.5, min_points=5),
    ),
    "column": (
        SetUp("stone soup ehm2", joint=True, intensity_m2ps3=3.0, min_points=3),
        SetUp("stone soup gnn", joint=False, intensity_m2ps3=3.0, min_points=3),
    ),
}
"""Kind of scene -> what runs on it. Manoeuvring: white acceleration noise, whatever its intensity, was worse than
Singer's model; fewer than five points let crowded clutter start false tracks (two of them at any time)."""


def model_of(radar: SensorDescription, mapping: tuple[int, int, int], states: int) -> Any:
    """Return the radar's measurement model: elevation, bearing, range, range rate."""
    sigma = radar.sigma
    deviations = [sigma.elevation_rad, sigma.azimuth_rad, sigma.range_m, sigma.range_rate_mps]
    return CartesianToElevationBearingRangeRate(
        ndim_state=states,
        mapping=mapping,
        velocity_mapping=tuple(i + 1 for i in mapping),
        noise_covar=np.diag([float(value or 1.0) ** 2 for value in deviations]),
        translation_offset=np.array(radar.position_m, dtype=np.float64)[:, None],
    )


def clutter_density(radar: SensorDescription) -> float:
    """Return false detections a scan and unit of measurement space [1 / (rad rad m m/s)]."""
    view = radar.field_of_view
    spans = (view.elevation_rad, view.azimuth_rad, view.range_m, view.range_rate_mps)
    return radar.clutter_per_scan / float(np.prod([high - low for low, high in (span for span in spans if span)]))


class JointOverTree:
    """Stone Soup's KD-tree in front of pyehm's EHM2: the plug-in alone asks every detection for every track."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    def associate(self, tracks: Any, detections: Any, timestamp: datetime, **_: Any) -> Any:
        """Return the marginal association probabilities as Stone Soup's multiple hypotheses."""
        hypotheses = self._tree.generate_hypotheses(tracks, detections, timestamp)
        return JPDAWithEHM2._compute_multi_hypotheses(tracks, detections, hypotheses, timestamp)


def build(setup: SetUp, radar: SensorDescription, detector: Iterable[Any]) -> Any:
    """Return a Stone Soup tracker that reads from a detector."""
    mapping, size = ((0, 3, 6), 9) if setup.singer else ((0, 2, 4), 6)
    axis = (
        Singer(setup.intensity_m2ps3, 1.0 / setup.correlation_s)
        if setup.singer
        else ConstantVelocity(setup.intensity_m2ps3)
    )
    predictor = KalmanPredictor(CombinedLinearGaussianTransitionModel([axis] * 3))
    updater = ExtendedKalmanUpdater(measurement_model=None)
    tree = {"predictor": predictor, "updater": updater, "max_distance": TREE_REACH}
    nearest = DetectionKDTreeGNN2D(
        DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=GATE_DISTANCE), **tree
    )
    prior = prior_of(setup, size)
    initiator = MultiMeasurementInitiator(
        prior_state=prior,
        deleter=UpdateTimeStepsDeleter(setup.missed_before_start),
        data_associator=nearest,
        updater=updater,
        min_points=setup.min_points,
        initiator=SimpleMeasurementInitiator(prior, None),
    )
    deleter = CompositeDeleter(
        [
            UpdateTimeStepsDeleter(setup.missed_before_end),
            CovarianceBasedDeleter(setup.largest_trace_m2, mapping=list(mapping)),
        ],
        intersect=False,
    )
    if not setup.joint:
        return MultiTargetTracker(initiator, deleter, detector, nearest, updater)
    hypothesiser = PDAHypothesiser(
        predictor, updater, clutter_density(radar), radar.detection_probability, GATE_PROBABILITY
    )
    joint = JointOverTree(KDTreeJPDA(hypothesiser, **tree))
    return MultiTargetMixtureTracker(initiator, deleter, detector, joint, updater)


def prior_of(setup: SetUp, size: int) -> Any:
    """Return the state that a first detection completes: at rest, with the speeds of drones."""
    variance = np.zeros(size)
    step = size // 3
    variance[1::step] = setup.speed_sigma_mps**2
    if setup.singer:
        variance[2::step] = 0.5 * setup.intensity_m2ps3 / setup.correlation_s  # stationary variance of Singer's model
    return GaussianState(np.zeros((size, 1)), np.diag(variance), timestamp=EPOCH)


def detections_of(scene: Scene, model: Any) -> Iterator[tuple[datetime, set[Any]]]:
    """Yield the scans as Stone Soup's detections, made before the step that is timed."""
    for item in scene.heard:
        when = EPOCH + timedelta(microseconds=item.scan.t_ns / 1e3)
        rows = block(item.scan)
        vectors = np.stack([rows[:, 2], 0.5 * np.pi - rows[:, 1], rows[:, 0], rows[:, 3]], axis=1)
        yield when, {Detection(vector[:, None], timestamp=when, measurement_model=model) for vector in vectors}


class Rows:
    """Tracks of Stone Soup as rows; its names become numbers in order of their first report."""

    def __init__(self, place: list[int], times_ns: list[int]) -> None:
        self._place, self._rate = place, [i + 1 for i in place]
        self._t_ns = iter(times_ns)
        self._ids: dict[str, int] = {}

    def of(self, result: Any) -> list[Row]:
        """Return the tracks after a step."""
        t_ns = next(self._t_ns)
        out = []
        for track in result[1]:
            number = self._ids.setdefault(track.id, len(self._ids) + 1)
            x, P = np.asarray(track.state_vector, dtype=np.float64).ravel(), np.asarray(track.covar, dtype=np.float64)
            upper = P[np.ix_(self._place, self._place)][np.triu_indices(3)]
            out.append(Row(t_ns, number, tuple(x[self._place]), tuple(x[self._rate]), tuple(upper)))
        return out


class Run:
    """One set-up on a scene of one radar, a scan at a time."""

    def __init__(self, setup: SetUp, scene: Scene) -> None:
        (radar,) = scene.sensors
        mapping, size = ((0, 3, 6), 9) if setup.singer else ((0, 2, 4), 6)
        self._scans = list(detections_of(scene, model_of(radar, mapping, size)))
        self._tracker = iter(build(setup, radar, self._scans))
        self.times_ns = np.array([item.scan.t_ns for item in scene.heard], dtype=np.int64)
        self._rows = Rows(list(mapping), self.times_ns.tolist())

    def steps(self) -> Iterator[Callable[[], Any]]:
        """Yield one step a scan."""
        for _ in self._scans:
            yield lambda: next(self._tracker)

    def rows(self, result: Any) -> list[Row]:
        """Return the tracks after a step."""
        return self._rows.of(result)
