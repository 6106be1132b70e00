"""Radio direction finder: link budget, chance of meeting a hop, bearing in azimuth only.

What does not transmit is never found: fibre-optic and autonomous drones, birds, and any drone that
has switched its link off give Pd 0. Trees weaken a signal, the ground blocks it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from messages.detections import INDEX
from messages.frames import F64
from messages.types import FieldOfView, MeasurementSigma
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import RadioFrequencyProfile
from scenarios.types import Emission
from sim.propagation import radio
from sim.propagation.radar import wavelength_m
from sim.sensors.base import NEGLIGIBLE, Observation, Pose, Sensor, View, put, wrapped_noise
from sim.sensors.jamming import floor_rise
from sim.sensors.masking import over_bare_ground
from sim.sensors.resolution import merge
from sim.sensors.targets import TargetTable
from sim.world import World

FOLIAGE_DB = 15.0  # loss through the treelines of a path at 1-6 GHz (estimate; 10-20 dB in the literature)
BEAMWIDTH_FACTOR = 0.886  # of lambda / D, half power of a uniform aperture
CLASS_MARGIN_DB = 6.0  # SNR over the detection threshold at which half of the emitter's kind can be told (estimate)
SNAPSHOT_SHARE = 1e-3  # independent snapshots a dwell: one a millisecond (estimate); multipath rules anyway
NOMINAL = Emission(
    kind="fhss",
    frequency_hz=2.44e9,
    bandwidth_hz=812e3,
    hop_band_hz=79e6,
    hop_period_s=0.016,
    eirp_dbm=20.0,
)
"""The emitter that the description speaks of: a 2.4 GHz frequency-hopping telemetry downlink of 100 mW."""
NOMINAL_HEIGHT_M = 30.0
REMOTE_ID_SIGMA_M = 7.5  # each axis; a vendor states +-7.5 m for decoded positions


class RadioFinder(Sensor):
    """A scanning direction finder."""

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Work out once how likely each emission is to be met in a look."""
        super().__init__(mount, targets, environment, rng)
        if not isinstance(mount.profile, RadioFrequencyProfile):
            raise TypeError(f"{mount.sensor_id}: profile {mount.profile.name} is not a direction finder's")
        self.profile = mount.profile
        pairs = [(i, e, self.intercept(e)) for i, emissions in enumerate(targets.emissions) for e in emissions]
        pairs = [pair for pair in pairs if pair[2] > 0.0]
        self._owner = np.array([i for i, _, _ in pairs], dtype=np.int64)
        self._met = np.array([chance for _, _, chance in pairs])
        self._frequency_hz = np.array([e.frequency_hz for _, e, _ in pairs])
        self._eirp_dbm = np.array([e.eirp_dbm for _, e, _ in pairs])
        self._floor_dbm = np.array([self._noise_dbm(e) for _, e, _ in pairs])
        self._remote_id = np.array([e.kind == "remote_id" for _, e, _ in pairs], dtype=np.bool_)

    def intercept(self, emission: Emission) -> float:
        """Return the probability that one look listens where and when an emission is on the air.

        The receiver steps through its bands, ``dwell_s`` on each tuning, over and over during a scan
        period. A hopper is met if one of the hops made while the receiver listens inside the hop
        band falls into the receiver's bandwidth; a beacon if a burst falls into that time.
        """
        p = self.profile
        width = emission.hop_band_hz or emission.bandwidth_hz
        low, high = emission.frequency_hz - width / 2.0, emission.frequency_hz + width / 2.0
        overlap = max((min(b.high_hz, high) - max(b.low_hz, low) for b in p.bands), default=0.0)
        if overlap <= 0.0:
            return 0.0
        tunings = sum(int(np.ceil((b.high_hz - b.low_hz) / p.instantaneous_bandwidth_hz)) for b in p.bands)
        useful = min(int(np.ceil(overlap / p.instantaneous_bandwidth_hz)), tunings)
        time_on_band_s = p.scan_period_s * useful / tunings
        visits = p.scan_period_s / (tunings * p.dwell_s)
        if emission.kind == "remote_id" or emission.period_s is not None:
            return min(time_on_band_s / (emission.period_s or 1.0), 1.0)
        if emission.hop_band_hz is None:
            return min(visits, 1.0) * emission.duty
        hops = max(time_on_band_s / (emission.hop_period_s or p.dwell_s), min(visits * useful, 1.0))
        share = min(p.instantaneous_bandwidth_hz, emission.hop_band_hz) * emission.duty
        return radio.hop_intercept_probability(share, emission.hop_band_hz, hops)

    def _noise_dbm(self, emission: Emission) -> float:
        width = min(emission.bandwidth_hz, self.profile.instantaneous_bandwidth_hz)
        return radio.noise_floor_dbm(width, self.profile.noise_figure_db)

    def snr_db(self, eirp_dbm: F64, frequency_hz: F64, floor_dbm: F64, range_m: F64, heights_m: tuple[F64, F64]) -> F64:
        """Return the SNR in the emission's bandwidth."""
        loss = radio.path_loss_db(range_m, frequency_hz, *heights_m)
        return np.asarray(eirp_dbm + self.profile.gain_db - self.profile.losses_db - loss - floor_dbm)

    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Return bearings with their sigma and SNR, and the claimed position of a decoded Remote ID."""
        pose = self.pose(world, t_s)
        view = self.view(world, t_s, pose)
        self.class_model.advance(t_s, rng)
        snr_db, probability = self._emissions(world, t_s, pose, view)
        hit = rng.random(len(self._owner)) < probability
        rows, cause = self._bearings(view, snr_db, hit, rng)
        self._decode(rows, cause, hit, view, pose, rng)
        false_rows = self._false_bearings(pose, rng)
        rows = np.concatenate([rows, false_rows])
        cause = np.concatenate([cause, np.full(len(false_rows), -1)])
        missed = np.ones(len(self.targets))
        np.multiply.at(missed, self._owner, 1.0 - probability)
        quality = self._class_quality(rows[:, INDEX["snr_db"]])
        return self.finish(rows, cause, quality, 1.0 - missed, rng)

    def _emissions(self, world: World, t_s: float, pose: Pose, view: View) -> tuple[F64, F64]:
        """Return SNR [dB] and Pd of every emission (e,): Pd 0 if its owner is out of view, silent or behind a hill."""
        place = np.full(len(self.targets), -1)
        place[view.index] = np.arange(len(view.index))
        at = place[self._owner]
        snr_db, probability = np.full(len(at), -200.0), np.zeros(len(at))
        on = np.flatnonzero(at >= 0)
        on = on[view.emitting[at[on]]]
        if not len(on):
            return snr_db, probability
        k = at[on]
        points = pose.origin_m + view.offset_m[k]
        ground = world.terrain.height(points[:, 0], points[:, 1])
        own_height = pose.origin_m[2] - world.terrain.ground_at(float(pose.origin_m[0]), float(pose.origin_m[1]))
        heights = (np.full(len(on), max(float(own_height), 0.5)), points[:, 2] - ground)
        floor_dbm = self._floor_dbm[on] + 10.0 * np.log10(floor_rise(self.jammers, self._frequency_hz[on]))
        level = self.snr_db(self._eirp_dbm[on], self._frequency_hz[on], floor_dbm, view.range_m[k], heights)
        threshold = self.profile.detection_threshold_db
        worth = radio.detection_probability(level, threshold) * self._met[on] > NEGLIGIBLE
        on, level, points = on[worth], level[worth], points[worth]
        clear = world.visible(pose.origin_m, points)
        clear &= world.own_vehicle_clear(self.mount.platform_id, t_s, pose.origin_m, points)
        level = level - np.where(clear, 0.0, FOLIAGE_DB)
        reach = np.ones(len(on), dtype=np.bool_)
        reach[~clear] = over_bare_ground(world.terrain, pose.origin_m, points[~clear])
        snr_db[on] = level
        probability[on] = np.where(reach, radio.detection_probability(level, threshold) * self._met[on], 0.0)
        return snr_db, probability

    def _bearings(
        self, view: View, snr_db: F64, hit: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[F64, NDArray[np.int64]]:
        """Return one row a heard target (its strongest emission); two on one frequency inside the beam are one."""
        heard = np.flatnonzero(hit)
        if not len(heard):
            return self.empty_rows(0), heard
        heard = heard[np.argsort(-snr_db[heard], kind="stable")]
        _, first = np.unique(self._owner[heard], return_index=True)
        best = heard[np.sort(first)]
        azimuth_of = np.zeros(len(self.targets))
        azimuth_of[view.index] = view.azimuth_rad
        beam = BEAMWIDTH_FACTOR * wavelength_m(1.0) / self._frequency_hz[best] / self.profile.aperture_m
        place = np.column_stack([azimuth_of[self._owner[best]], self._frequency_hz[best]])
        cell = np.column_stack([beam, np.full(len(best), self.profile.instantaneous_bandwidth_hz)])
        merged = merge(place, 10.0 ** (snr_db[best] / 10.0), cell)
        level = 10.0 * np.log10(np.maximum(merged.power, 1e-9))
        sigma = np.hypot(self.sigma_rad(level, merged.coordinates[:, 1]), merged.spread[:, 0])
        rows = self.empty_rows(len(level))
        put(
            rows,
            azimuth_rad=wrapped_noise(merged.coordinates[:, 0], sigma, rng),
            azimuth_sigma_rad=np.hypot(sigma, self.boresight_sigma_rad),
            snr_db=level,
        )
        return rows, self._owner[best][merged.keep]

    def sigma_rad(self, snr_db: F64, frequency_hz: F64) -> F64:
        """Return the accuracy of a bearing; the floor by multipath and the vehicle's body rules in practice."""
        snapshots = max(int(self.profile.dwell_s / SNAPSHOT_SHARE), 1)
        floor = float(np.radians(self.profile.bearing_floor_deg))
        return radio.bearing_sigma_rad(snr_db, frequency_hz, self.profile.aperture_m, snapshots, floor)

    def _decode(
        self,
        rows: F64,
        cause: NDArray[np.int64],
        hit: NDArray[np.bool_],
        view: View,
        pose: Pose,
        rng: np.random.Generator,
    ) -> None:
        """Add the position that a heard Remote ID beacon claims, with the error of its satellite receiver."""
        if not self.profile.decodes_remote_id:
            return
        claims = np.isin(cause, self._owner[hit & self._remote_id])
        if not claims.any():
            return
        place = np.full(len(self.targets), -1)
        place[view.index] = np.arange(len(view.index))
        who = place[cause[claims]]
        said = pose.origin_m + view.offset_m[who] + REMOTE_ID_SIGMA_M * rng.standard_normal((len(who), 3))
        for name, values in zip(("east_m", "north_m", "up_m"), said.T, strict=True):
            rows[claims, INDEX[name]] = values

    def _false_bearings(self, pose: Pose, rng: np.random.Generator) -> F64:
        m = int(rng.poisson(self.profile.false_alarms_per_scan))
        if not m:
            return self.empty_rows(0)
        azimuth, _, _ = self.false_directions(m, rng, pose)
        level = self.profile.detection_threshold_db + rng.exponential(3.0, m)
        frequency = np.full(m, float(np.mean([(b.low_hz + b.high_hz) / 2.0 for b in self.profile.bands])))
        rows = self.empty_rows(m)
        sigma = np.hypot(self.sigma_rad(level, frequency), self.boresight_sigma_rad)
        put(rows, azimuth_rad=azimuth, azimuth_sigma_rad=sigma, snr_db=level)
        return rows

    def _class_quality(self, snr_db: F64) -> F64:
        over = snr_db - self.profile.detection_threshold_db - CLASS_MARGIN_DB
        return np.asarray(1.0 / (1.0 + 10.0 ** (-over / 10.0)))

    def nominal_probability(self, range_m: F64) -> F64:
        """Return Pd of the nominal hopping downlink at 30 m height, heard 3 m above the ground."""
        k = len(range_m)
        heights = (np.full(k, 3.0), np.full(k, NOMINAL_HEIGHT_M))
        floor = np.full(k, self._noise_dbm(NOMINAL))
        eirp, frequency = np.full(k, NOMINAL.eirp_dbm), np.full(k, NOMINAL.frequency_hz)
        snr = self.snr_db(eirp, frequency, floor, range_m, heights)
        heard = radio.detection_probability(snr, self.profile.detection_threshold_db)
        return np.asarray(heard * self.intercept(NOMINAL))

    def nominal_sigma(self, range_m: float) -> MeasurementSigma:
        """Return the bearing accuracy at 10 dB over the threshold."""
        level = np.array([self.profile.detection_threshold_db + 10.0])
        sigma = float(self.sigma_rad(level, np.array([NOMINAL.frequency_hz]))[0])
        position = REMOTE_ID_SIGMA_M if self.profile.decodes_remote_id else None
        return MeasurementSigma(azimuth_rad=float(np.hypot(sigma, self.boresight_sigma_rad)), position_m=position)

    def described_view(self, far_m: float) -> FieldOfView:
        """Return the described field of view: a bearing in azimuth only."""
        return FieldOfView(range_m=(self.range_m[0], far_m), azimuth_rad=self.azimuth_rad)
