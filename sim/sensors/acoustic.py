"""Microphone array: level against ambient, wind and engines; bearing to where the sound was emitted.

The time of validity is when the sound reaches the microphones. The emission time is solved on the
true trajectory, so the bearing of a crossing target trails it by ``atan(v / c)`` whatever the range.
Trees weaken sound, the ground blocks it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from messages.detections import INDEX
from messages.frames import F64, body_azimuth_elevation_range
from messages.types import HealthState, MeasurementSigma
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import AcousticProfile
from sim.propagation import acoustics
from sim.sensors.base import (
    NEGLIGIBLE,
    Observation,
    Pose,
    Sensor,
    View,
    azimuth_sigma,
    noisy_elevation,
    put,
    wrapped_noise,
)
from sim.sensors.masking import over_bare_ground
from sim.sensors.resolution import merge
from sim.sensors.targets import TargetTable
from sim.world import World

FOLIAGE_DB = 8.0  # loss through treelines at 0.5-3 kHz (estimate)
CALM_WIND_MPS = 3.0  # below this wind adds nothing to the noise of a screened microphone
SNAPSHOT_S = 0.05  # independent looks of the array at one source (estimate: turbulence of the path)
BEAMWIDTH_FACTOR = 0.886  # of lambda / D, half power of a uniform aperture
CLASS_MARGIN_DB = 6.0  # SNR over the detection threshold at which half of the class can be heard (estimate)
NEIGHBOUR_REFERENCE_M = 3.0  # distance at which a vehicle's own microphones hear its engine
NEIGHBOUR_REFRESH_S = 1.0  # engines of other vehicles change slowly: their noise is worked out once a second
NEAREST_SHARE = 0.8  # emission point over present range, at least: 1 / (1 + v/c) for v up to 80 m/s
LOUDEST_SIDE_DB = 10.0 - acoustics.ROTOR_MEAN_DB  # best case of a multirotor's directivity
DROWNED_DB = 6.0  # own noise over all other by this much halves the range: worth a word
NOMINAL_DBA = 86.0  # the small drone that the description speaks of: an FPV of 7 inch propellers at 1 m (estimate)
NOMINAL_HZ = 1000.0


class MicrophoneArray(Sensor):
    """An acoustic array on a vehicle; next to a running engine it is all but deaf."""

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Prepare everything that does not change from look to look."""
        super().__init__(mount, targets, environment, rng)
        if not isinstance(mount.profile, AcousticProfile):
            raise TypeError(f"{mount.sensor_id}: profile {mount.profile.name} is not a microphone array's")
        p = self.profile = mount.profile
        self.speed_of_sound_mps = acoustics.speed_of_sound_mps(environment.temperature_c)
        # A source is heard where its band and the array's overlap; its middle is clipped into the array's.
        self._heard_hz = np.clip(targets.sound_hz, *p.band_hz)
        self._absorption = self._absorption_db_per_m(self._heard_hz)
        wind_db = p.wind_noise_db_per_mps * max(environment.wind_mps - CALM_WIND_MPS, 0.0)
        self._quiet_dba = acoustics.level_sum_db([environment.ambient_noise_dba + wind_db, p.self_noise_dba])
        self._neighbours: tuple[int, float] = (-1, -np.inf)
        self._snapshots = max(int(p.scan_period_s / SNAPSHOT_S), 1)

    def _absorption_db_per_m(self, frequency_hz: F64) -> F64:
        e = self.environment
        return acoustics.absorption_db_per_m(frequency_hz, e.temperature_c, e.relative_humidity, e.pressure_kpa)

    def noise_dba(self, own_dba: float, neighbours_dba: float = -np.inf) -> float:
        """Return the noise after the array: ambient less ``10 lg M``, the own vehicle less its rejection."""
        p = self.profile
        around = acoustics.level_sum_db([self._quiet_dba, neighbours_dba]) - 10.0 * float(np.log10(p.microphones))
        return acoustics.level_sum_db([around, own_dba - p.vehicle_noise_rejection_db])

    def _neighbours_dba(self, world: World, t_s: float, origin_m: F64) -> float:
        """Return the noise of the other vehicles at this array, spherical spreading from their own level."""
        second = int(t_s / NEIGHBOUR_REFRESH_S)
        if self._neighbours[0] != second:
            levels = [-200.0]
            for hull in world.hull_ids:
                if hull != self.mount.hull_id:
                    p = world.platform(hull, second * NEIGHBOUR_REFRESH_S)
                    distance = max(float(np.linalg.norm(p.position_m - origin_m)), NEIGHBOUR_REFERENCE_M)
                    levels.append(p.noise_dba - 20.0 * float(np.log10(distance / NEIGHBOUR_REFERENCE_M)))
            self._neighbours = (second, acoustics.level_sum_db(levels))
        return self._neighbours[1]

    def probability(self, snr_db: F64) -> F64:
        """Return Pd from SNR behind the array."""
        return acoustics.detection_probability(snr_db, self.profile.detection_threshold_db)

    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Return bearings to the points of emission, with sigmas and SNR."""
        pose = self.pose(world, t_s)
        self.class_model.advance(t_s, rng)
        noise = self.noise_dba(pose.noise_dba, self._neighbours_dba(world, t_s, pose.origin_m))
        view = self._heard(world, t_s, pose, noise)
        snr_db = self._level_dba(view) - noise
        snr_db, probability = self._behind_cover(world, t_s, pose, view, snr_db)
        hit = rng.random(len(view.index)) < probability
        rows, cause = self._bearings(view.subset(hit), snr_db[hit], rng)
        false_rows = self._false_bearings(pose, rng)
        rows = np.concatenate([rows, false_rows])
        cause = np.concatenate([cause, np.full(len(false_rows), -1)])
        quality = self._class_quality(rows[:, INDEX["snr_db"]])
        return self.finish(rows, cause, quality, self.all_targets(view, probability), rng)

    def _heard(self, world: World, t_s: float, pose: Pose, noise_dba: float) -> View:
        """Return the targets that may be audible, where and how they were when the sound left them."""
        truth = world.targets(t_s)
        distance = np.sqrt(np.sum((truth.position_m - pose.origin_m) ** 2, axis=1))
        loudest = self.targets.sound_dba + np.where(self.targets.multirotor, LOUDEST_SIDE_DB, 0.0)
        best = acoustics.received_level_db(loudest, NEAREST_SHARE * distance, self._absorption) - noise_dba
        index, position, velocity = [], [], []
        for i in np.flatnonzero(self.probability(best) > NEGLIGIBLE):
            there = self.emission(world, int(i), pose.origin_m, t_s)
            if there is not None:
                index.append(int(i))
                position.append(there[0])
                velocity.append(there[1])
        offset = np.array(position).reshape(-1, 3) - pose.origin_m
        azimuth, elevation, r = body_azimuth_elevation_range(offset @ pose.enu_from_sensor)
        chosen = np.array(index, dtype=np.int64)
        everyone = View(
            chosen, offset, np.array(velocity).reshape(-1, 3), r, azimuth, elevation, truth.emitting[chosen]
        )
        return everyone.subset(self.covered(r, azimuth, elevation))

    def emission(self, world: World, i: int, origin_m: F64, t_s: float) -> tuple[F64, F64] | None:
        """Return a target's position and velocity when the sound that arrives now left it; None if it did not fly."""

        def motion_at(t: float) -> tuple[F64, F64]:
            position, velocity, _ = world.target_track(i, np.array([t]))
            return position[0], velocity[0]

        emitted_s = acoustics.emission_time_s(motion_at, origin_m, t_s, self.speed_of_sound_mps)
        position, velocity, airborne = world.target_track(i, np.array([emitted_s]))
        return (position[0], velocity[0]) if airborne[0] else None

    def _level_dba(self, view: View) -> F64:
        below = np.arcsin(np.clip(view.offset_m[:, 2] / np.maximum(view.range_m, 1e-6), -1.0, 1.0))
        side = np.where(self.targets.multirotor[view.index], acoustics.rotor_directivity_db(below), 0.0)
        source = self.targets.sound_dba[view.index] + side
        return acoustics.received_level_db(source, view.range_m, self._absorption[view.index])

    def _behind_cover(self, world: World, t_s: float, pose: Pose, view: View, snr_db: F64) -> tuple[F64, F64]:
        """Return SNR and Pd after trees (a loss) and ground (nothing); the own hull does not stop sound."""
        points = pose.origin_m + view.offset_m
        clear = world.visible(pose.origin_m, points)
        level = snr_db - np.where(clear, 0.0, FOLIAGE_DB)
        reach = np.ones(len(points), dtype=np.bool_)
        reach[~clear] = over_bare_ground(world.terrain, pose.origin_m, points[~clear])
        return level, np.where(reach, self.probability(level), 0.0)

    def _bearings(self, view: View, snr_db: F64, rng: np.random.Generator) -> tuple[F64, NDArray[np.int64]]:
        """Return the rows of detected targets; sources inside one beam are heard as one."""
        if not len(view.index):
            return self.empty_rows(0), view.index
        heard_hz = self._heard_hz[view.index]
        wavelength = self.speed_of_sound_mps / heard_hz
        beam = np.minimum(BEAMWIDTH_FACTOR * wavelength / self.profile.array_diameter_m, np.pi)
        place = np.column_stack([view.azimuth_rad, view.elevation_rad])
        across = beam / np.maximum(np.cos(view.elevation_rad), 0.05)
        merged = merge(place, 10.0 ** (snr_db / 10.0), np.column_stack([across, beam]))
        level = 10.0 * np.log10(np.maximum(merged.power, 1e-9))
        azimuth, elevation = merged.coordinates.T
        across_sigma, up_sigma = self.sigmas(level, heard_hz[merged.keep])
        sigma_az = np.hypot(azimuth_sigma(across_sigma, elevation), merged.spread[:, 0])
        sigma_el = np.hypot(up_sigma, merged.spread[:, 1])
        rows = self.empty_rows(len(level))
        boresight = np.full(len(level), self.boresight_sigma_rad)
        put(
            rows,
            azimuth_rad=wrapped_noise(azimuth, sigma_az, rng),
            elevation_rad=noisy_elevation(elevation, sigma_el, rng),
            azimuth_sigma_rad=np.hypot(sigma_az, azimuth_sigma(boresight, elevation)),
            elevation_sigma_rad=np.hypot(sigma_el, boresight),
            snr_db=level,
        )
        return rows, view.index[merged.keep]

    def sigmas(self, snr_db: F64, frequency_hz: F64) -> tuple[F64, F64]:
        """Return the accuracies across and up: the array's bound, floors for turbulence and reflections."""
        p = self.profile
        rms_m = p.array_diameter_m / 2.0 / float(np.sqrt(2.0))  # microphones spread over a disc
        args = (snr_db, frequency_hz, rms_m, self.speed_of_sound_mps, self._snapshots)
        across = acoustics.bearing_sigma_rad(*args, float(np.radians(p.bearing_floor_deg)))
        return across, acoustics.bearing_sigma_rad(*args, float(np.radians(p.elevation_floor_deg)))

    def _false_bearings(self, pose: Pose, rng: np.random.Generator) -> F64:
        m = int(rng.poisson(self.profile.false_alarms_per_scan))
        if not m:
            return self.empty_rows(0)
        azimuth, elevation, _ = self.false_directions(m, rng, pose)
        level = self.profile.detection_threshold_db + rng.exponential(2.0, m)
        across, up = self.sigmas(level, np.full(m, NOMINAL_HZ))
        boresight = np.full(m, self.boresight_sigma_rad)
        rows = self.empty_rows(m)
        put(
            rows,
            azimuth_rad=azimuth,
            elevation_rad=elevation,
            azimuth_sigma_rad=np.hypot(azimuth_sigma(across, elevation), azimuth_sigma(boresight, elevation)),
            elevation_sigma_rad=np.hypot(up, boresight),
            snr_db=level,
        )
        return rows

    def health(self, world: World, t_s: float) -> tuple[HealthState, str]:
        """Say that the own engine drowns out the surroundings, where it does by 6 dB or more."""
        own = world.platform(self.mount.platform_id, t_s).noise_dba
        if self.noise_dba(own) - self.noise_dba(-200.0) < DROWNED_DB:
            return "NORMAL", ""
        return "DEGRADED", f"own vehicle at the microphones: {own:.0f} dBA"

    def _class_quality(self, snr_db: F64) -> F64:
        over = snr_db - self.profile.detection_threshold_db - CLASS_MARGIN_DB
        return np.asarray(1.0 / (1.0 + 10.0 ** (-over / 10.0)))

    def nominal_probability(self, range_m: F64) -> F64:
        """Return Pd of the nominal FPV with the engine off and quiet neighbours."""
        absorption = float(self._absorption_db_per_m(np.array([NOMINAL_HZ]))[0])
        level = acoustics.received_level_db(NOMINAL_DBA, range_m, absorption)
        return self.probability(level - self.noise_dba(-200.0))

    def nominal_sigma(self, range_m: float) -> MeasurementSigma:
        """Return the bearing accuracies for the nominal FPV at a range."""
        absorption = float(self._absorption_db_per_m(np.array([NOMINAL_HZ]))[0])
        level = acoustics.received_level_db(np.array([NOMINAL_DBA]), range_m, absorption)
        across, up = self.sigmas(level - self.noise_dba(-200.0), np.array([NOMINAL_HZ]))
        return MeasurementSigma(
            azimuth_rad=float(np.hypot(across[0], self.boresight_sigma_rad)),
            elevation_rad=float(np.hypot(up[0], self.boresight_sigma_rad)),
        )
