"""Radar: Pd from the radar equation and the target's fluctuation, accuracies from SNR, Doppler notch, clutter.

One look is one track-while-scan volume at one instant: every beam position has had its dwell. The
range rate is over ground: the radar takes its own motion out, as it knows it truly.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from messages.detections import INDEX
from messages.frames import F64
from messages.types import FieldOfView, MeasurementSigma
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import RadarProfile
from sim.propagation import radar, radar_detection
from sim.propagation.weather import gas_attenuation_db_per_km, rain_attenuation_db_per_km
from sim.sensors.base import Observation, Pose, Sensor, View, azimuth_sigma, noisy_elevation, put, wrapped_noise
from sim.sensors.jamming import floor_rise
from sim.sensors.resolution import Merged, merge
from sim.sensors.targets import TargetTable
from sim.world import World

NOMINAL_RCS_M2 = 0.01  # the small drone that the description speaks of: -20 dBsm, X band, order of magnitude measured
GROUND_SPEED_SPREAD_MPS = 2.0  # how far over the notch moving clutter (trees, vehicles) reaches (estimate)


class Radar(Sensor):
    """A pulse-Doppler radar."""

    best_confidence = 0.95  # micro-Doppler never tells drones from birds better than this; field reports are worse

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Prepare everything that does not change from look to look."""
        super().__init__(mount, targets, environment, rng)
        if not isinstance(mount.profile, RadarProfile):
            raise TypeError(f"{mount.sensor_id}: profile {mount.profile.name} is not a radar's")
        p = self.profile = mount.profile
        tilt = np.pi / 2.0 if p.polarisation == "vertical" else 0.0
        self._attenuation_db_per_km = gas_attenuation_db_per_km(p.frequency_hz) + rain_attenuation_db_per_km(
            environment.rain_mm_per_h, p.frequency_hz, 0.0, tilt
        )
        self.threshold = radar_detection.threshold(p.false_alarm_probability, p.dwells_integrated)
        self.beamwidth_rad = (float(np.radians(p.beamwidth_azimuth_deg)), float(np.radians(p.beamwidth_elevation_deg)))
        self.range_cell_m = radar.range_resolution_m(p.bandwidth_hz)
        self.speed_cell_mps = radar.velocity_resolution_mps(p.frequency_hz, p.dwell_s)
        self._gamma = 10.0 ** (radar.gamma_db(environment.terrain.ground, p.frequency_hz) / 10.0)
        self._improvement = 10.0 ** (-p.clutter_improvement_db / 10.0)
        self._sidelobe = 10.0 ** (p.sidelobe_floor_db / 10.0)
        swerling = targets.swerling if p.swerling is None else np.full(len(targets), p.swerling)
        self._swerling = swerling
        cases: tuple[radar_detection.Swerling, ...] = (0, 1, 3)
        self._cases = tuple(case for case in cases if np.any(swerling == case))

    def snr(self, range_m: F64, rcs_m2: F64) -> F64:
        """Return the mean linear SNR of one dwell in the clear."""
        p = self.profile
        return radar.snr(
            range_m,
            rcs_m2,
            average_power_w=p.average_power_w,
            dwell_s=p.dwell_s,
            gain_db=0.5 * (p.gain_transmit_db + p.gain_receive_db),
            frequency_hz=p.frequency_hz,
            noise_figure_db=p.noise_figure_db,
            losses_db=p.losses_db,
            attenuation_db_per_km=self._attenuation_db_per_km,
        )

    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Return plots with range, azimuth, elevation, range rate over ground, their sigmas and SNR."""
        pose = self.pose(world, t_s)
        view = self.view(world, t_s, pose)
        self.class_model.advance(t_s, rng)
        snr = self._signal_to_interference(world, pose, view)
        range_rate = radar.range_rate_mps(view.offset_m, view.velocity_mps)
        moving = np.abs(range_rate) >= self._notch_mps(pose, view)
        probability = self.unmasked(world, t_s, pose, view, np.where(moving, self._probability(snr, view.index), 0.0))
        power = self._draw(snr, view.index, rng)
        hit = (power > self.threshold) & (probability > 0.0)
        plots, cause = self._plots(view.subset(hit), power[hit], range_rate[hit], rng)
        false_plots = self._false_plots(pose, rng)
        rows = np.concatenate([plots, false_plots])
        cause = np.concatenate([cause, np.full(len(false_plots), -1)])
        quality = self._class_quality(rows[:, INDEX["snr_db"]])
        return self.finish(rows, cause, quality, self.all_targets(view, probability), rng)

    def _signal_to_interference(self, world: World, pose: Pose, view: View) -> F64:
        heading = np.arctan2(view.velocity_mps[:, 1], view.velocity_mps[:, 0])
        aspect = heading - np.arctan2(view.offset_m[:, 1], view.offset_m[:, 0])
        snr = self.snr(view.range_m, self.targets.rcs_m2(view.index, aspect))
        noise = float(floor_rise(self.jammers, np.array([self.profile.frequency_hz]))[0])  # over thermal noise
        return np.asarray(snr / (noise + self.clutter_to_noise(world, pose, view) * self._improvement))

    def clutter_to_noise(self, world: World, pose: Pose, view: View) -> F64:
        """Return the ground in each target's cell over noise, in one dwell, before Doppler filtering."""
        if not len(view.index):
            return np.empty(0)
        east, north = float(pose.origin_m[0]), float(pose.origin_m[1])
        height_m = max(float(pose.origin_m[2]) - world.terrain.ground_at(east, north), 0.5)
        ground_m2 = radar.surface_clutter_rcs_m2(
            view.range_m, height_m, self._gamma, self.beamwidth_rad[0], self.range_cell_m
        )
        in_beam = view.offset_m[:, 2] < np.tan(self.beamwidth_rad[1] / 2.0) * view.range_m
        seen = np.where(in_beam, 1.0, self._sidelobe)
        return np.asarray(self.snr(view.range_m, ground_m2) * seen)

    def _notch_mps(self, pose: Pose, view: View) -> F64:
        """Return the radial speed that is lost in clutter: own motion smears it by ``2 v sin(th) beamwidth / 2``."""
        along = view.offset_m @ pose.velocity_mps / np.maximum(view.range_m, 1.0)
        across2 = float(pose.velocity_mps @ pose.velocity_mps) - along**2
        smear = np.sqrt(np.maximum(across2, 0.0)) * self.beamwidth_rad[0] / 2.0
        return np.asarray(self.profile.doppler_notch_mps + smear)

    def _probability(self, snr: F64, index: NDArray[np.int64]) -> F64:
        p, case = self.profile, self._swerling[index]
        out = np.zeros_like(snr)
        for swerling in self._cases:
            those = case == swerling
            if those.any():
                out[those] = radar_detection.detection_probability(
                    snr[those], p.false_alarm_probability, swerling, p.dwells_integrated
                )
        return out

    def _draw(self, snr: F64, index: NDArray[np.int64], rng: np.random.Generator) -> F64:
        case = self._swerling[index]
        out = np.zeros_like(snr)
        for swerling in self._cases:
            those = case == swerling
            if those.any():
                out[those] = radar_detection.draw_power(rng, snr[those], swerling, self.profile.dwells_integrated)
        return out

    def _plots(
        self, view: View, power: F64, range_rate: F64, rng: np.random.Generator
    ) -> tuple[F64, NDArray[np.int64]]:
        """Return the rows of detected targets, merged where the radar cannot tell them apart."""
        truth = np.column_stack([view.azimuth_rad, view.elevation_rad, view.range_m, range_rate])
        azimuth_cell = self.beamwidth_rad[0] / np.maximum(np.cos(view.elevation_rad), 0.05)
        cell = np.column_stack(
            [
                azimuth_cell,
                np.full(len(power), self.beamwidth_rad[1]),
                np.full(len(power), self.range_cell_m),
                np.full(len(power), self.speed_cell_mps),
            ]
        )
        merged = merge(truth, power, cell)
        # The detector's output holds the noise as well: one unit of it for each dwell summed.
        snr = np.maximum(merged.power - self.profile.dwells_integrated, 1.0)
        return self._measure(merged, snr, rng), view.index[merged.keep]

    def sigmas(self, snr: F64, elevation_rad: F64) -> tuple[F64, F64, F64, F64]:
        """Return sigma of range, azimuth, elevation and range rate from the (integrated) SNR; floors in quadrature."""
        p = self.profile
        slope = radar.MONOPULSE_SLOPE / p.angle_slope
        across = radar.angle_sigma_rad(self.beamwidth_rad[0] * slope, snr, self._floor_rad(p.azimuth_floor_deg))
        up = radar.angle_sigma_rad(self.beamwidth_rad[1] * slope, snr, self._floor_rad(p.elevation_floor_deg))
        return (
            radar.resolution_sigma(self.range_cell_m, snr, p.range_floor_m),
            azimuth_sigma(across, elevation_rad),
            up,
            radar.resolution_sigma(self.speed_cell_mps, snr, p.range_rate_floor_mps),
        )

    def _floor_rad(self, floor_deg: float) -> float:
        return float(np.radians(floor_deg))

    def _measure(self, merged: Merged, snr: F64, rng: np.random.Generator) -> F64:
        azimuth, elevation, distance, speed = merged.coordinates.T
        own = self.sigmas(snr, elevation)
        order = (2, 0, 1, 3)  # range, azimuth, elevation, range rate in the merged coordinates
        noise = tuple(np.sqrt(s**2 + merged.spread[:, j] ** 2) for s, j in zip(own, order, strict=True))
        rows = self.empty_rows(len(snr))
        measured_range = np.maximum(distance + noise[0] * rng.standard_normal(len(snr)), 0.0)
        measured_speed = speed + noise[3] * rng.standard_normal(len(snr))
        boresight2 = self.boresight_sigma_rad**2
        put(
            rows,
            range_m=measured_range,
            azimuth_rad=wrapped_noise(azimuth, noise[1], rng),
            elevation_rad=noisy_elevation(elevation, noise[2], rng),
            range_rate_mps=self._folded(measured_speed),
            range_sigma_m=noise[0],
            azimuth_sigma_rad=np.sqrt(noise[1] ** 2 + boresight2),
            elevation_sigma_rad=np.sqrt(noise[2] ** 2 + boresight2),
            range_rate_sigma_mps=noise[3],
            snr_db=radar_detection.db(snr),
        )
        return rows

    def _folded(self, range_rate_mps: F64) -> F64:
        """Return radial speeds as the radar reads them: beyond its limit they come round from the other side."""
        limit = self.profile.range_rate_limit_mps
        return np.asarray((range_rate_mps + limit) % (2.0 * limit) - limit)

    def _false_plots(self, pose: Pose, rng: np.random.Generator) -> F64:
        """Return false plots: uniform in the described view, a share of them slow and near the ground."""
        p = self.profile
        m = int(rng.poisson(p.false_alarms_per_scan))
        azimuth, elevation, on_ground = self.false_directions(m, rng, pose)
        excess = rng.standard_exponential(m)  # noise power over a threshold is exponential again
        snr = np.maximum(self.threshold + excess - p.dwells_integrated, 1.0)
        sigma = self.sigmas(snr, elevation)
        rows = self.empty_rows(m)
        boresight2 = self.boresight_sigma_rad**2
        put(
            rows,
            range_m=rng.uniform(*self._false_range_m, m),
            azimuth_rad=azimuth,
            elevation_rad=elevation,
            range_rate_mps=self._false_speeds(on_ground, rng),
            range_sigma_m=sigma[0],
            azimuth_sigma_rad=np.sqrt(sigma[1] ** 2 + boresight2),
            elevation_sigma_rad=np.sqrt(sigma[2] ** 2 + boresight2),
            range_rate_sigma_mps=sigma[3],
            snr_db=radar_detection.db(snr),
        )
        return rows

    @cached_property
    def _false_range_m(self) -> tuple[float, float]:
        interval = self.description.field_of_view.range_m
        return interval if interval is not None else self.range_m

    def _false_speeds(self, on_ground: NDArray[np.bool_], rng: np.random.Generator) -> F64:
        """Draw radial speeds of false plots outside the notch: any for noise, slow ones for things on the ground."""
        m, notch, limit = len(on_ground), self.profile.doppler_notch_mps, self.profile.range_rate_limit_mps
        sign = np.where(rng.random(m) < 0.5, -1.0, 1.0)
        noise = rng.uniform(notch, limit, m)
        ground = np.minimum(notch + rng.exponential(GROUND_SPEED_SPREAD_MPS, m), limit)
        return np.asarray(sign * np.where(on_ground, ground, noise))

    def _class_quality(self, snr_db: F64) -> F64:
        """Return how much of the class can be seen: half of it at the micro-Doppler margin over the threshold."""
        needed_db = radar_detection.db(self.threshold) + self.profile.micro_doppler_margin_db
        return np.asarray(1.0 / (1.0 + 10.0 ** (-(snr_db - needed_db) / 10.0)))

    def nominal_probability(self, range_m: F64) -> F64:
        """Return Pd of a -20 dBsm drone at the mean SNR, Swerling 1 unless the profile says otherwise."""
        p = self.profile
        snr = self.snr(range_m, np.full(len(range_m), NOMINAL_RCS_M2))
        case = 1 if p.swerling is None else p.swerling
        return radar_detection.detection_probability(snr, p.false_alarm_probability, case, p.dwells_integrated)

    def nominal_sigma(self, range_m: float) -> MeasurementSigma:
        """Return the accuracies at the nominal drone's mean SNR, not below that of the threshold."""
        snr = np.maximum(self.snr(np.array([range_m]), np.array([NOMINAL_RCS_M2])), self.threshold)
        distance, azimuth, elevation, speed = (float(s[0]) for s in self.sigmas(snr, np.zeros(1)))
        return MeasurementSigma(
            range_m=distance,
            azimuth_rad=float(np.hypot(azimuth, self.boresight_sigma_rad)),
            elevation_rad=float(np.hypot(elevation, self.boresight_sigma_rad)),
            range_rate_mps=speed,
        )

    def described_view(self, far_m: float) -> FieldOfView:
        """Return the described field of view, with the unambiguous radial speeds."""
        limit = self.profile.range_rate_limit_mps
        return FieldOfView(
            range_m=(self.range_m[0], far_m),
            azimuth_rad=self.azimuth_rad,
            elevation_rad=self.elevation_rad,
            range_rate_mps=(-limit, limit),
        )

    def doppler_notch(self) -> float:
        """Return the radial speed over ground below which nothing is seen while the platform stands."""
        return self.profile.doppler_notch_mps
