"""Registration: constant errors of platforms and sensors from shared targets, and scans corrected for them.

Sensors of one vehicle alone, or of one surveyed place, say nothing of where their angles are wrong; so nothing is
estimated and nothing corrected until sensors stand in at least two places.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fusion.biases import Biases, BiasEstimate
from fusion.config import TrackerConfig
from fusion.gates import gate_table
from fusion.kernels import boresight, reaching
from fusion.kernels import registration as kernel
from fusion.kernels.measurement import (
    EAST,
    G_ALIGN_VAR,
    G_AXES,
    G_CLOCK,
    G_CLOCK_VAR,
    G_POSITION_VAR,
    G_RANGE_OFFSET,
    G_TILT_VAR,
    G_YAW_VAR,
    TDOA,
    UP,
)
from fusion.lifecycle import State
from fusion.sensing import SensorBook
from fusion.sensors import Place, Sensor
from fusion.step import Hits, Scan
from fusion.table import TrackTable
from messages.frames import F64

I64 = NDArray[np.int64]
CLAIM_LOOKS = 50.0  # a claimed position has one GNSS error for a whole pass: so many looks are worth one
SETTLED = 1.0  # recent detections of a sensor in tracks that others feed: its angles are right enough
FEWEST_LONE = 2  # lone pairs in one look: two drones seen by one sensor each are one pair, and no error of a heading
OTHERS_SHARE = 0.5  # of a track's recent detections: its place is known by other places' sensors
FORGET_AFTER_S = 5.0  # a filter that was not fed for so long starts anew with its track's next detection


Corrections = dict[str, tuple[I64, F64, tuple[float, ...]]]
"""What follows from the biases for each sensor, by need; a new state of them has a new dictionary."""


class Look(NamedTuple):
    """A sensor's corrected geometry and what it saw, in the order in which the kernels take them."""

    g: F64
    columns: I64
    turns: F64
    own_mps: F64
    z: F64
    var: F64
    used: I64
    gate_d2: F64


class RegistrationSnapshot(NamedTuple):
    """Everything that scans change here."""

    solved_ns: int
    corrections: Corrections
    biases: tuple[NDArray[np.generic], ...]
    filters: tuple[NDArray[np.generic], ...]


class Registration:
    """Estimate biases from the tracks' clear detections and correct the geometry of the scans."""

    def __init__(self, config: TrackerConfig, book: SensorBook) -> None:
        self._config, self._book = config.registration, book
        self._q = np.array(config.motion.acceleration_intensity)
        self.biases = Biases(config.registration, config.sensors)
        self._gate_d2 = gate_table(config.association.gate_probability)
        self._formation = config.association.formation
        self._columns: dict[str, I64] = {}
        self._places: dict[str, str] = {}
        self._others: dict[str, F64] = {}
        self.active = False  # sensors stand in two places or more; a turret stands where its hull does
        self._corrections: Corrections = {}
        self.lead_ns = 0  # how far ahead of its stamp a scan ever looked up its pose
        self._solved_ns = -1
        n = config.registration.max_tracks
        self._ids, self._times, self._outside = (np.zeros(n, np.int64) for _ in range(3))
        self._x, self._P, self._V = np.zeros((n, 6)), np.zeros((n, 6, 6)), np.zeros((n, 6, 0))
        c = config.registration
        self._start_var = np.array([c.start_sigma_m**2] * 3 + [c.start_sigma_mps**2] * 3)

    def add(self, sensor: Sensor) -> None:
        """Introduce a sensor; its biases start with their priors."""
        d = sensor.description
        self._columns[d.sensor_id] = self.biases.add(sensor)
        self._places[d.sensor_id] = d.platform_id.split("/")[0] if d.platform_id else f"sensor {d.sensor_id}"
        self.active = self._config.enabled and len(set(self._places.values())) > 1
        self._V = np.pad(self._V, ((0, 0), (0, 0), (0, len(self.biases.local) - self._V.shape[2])))
        self._corrections, self._others = {}, {}

    def corrected(self, scan: Scan) -> Scan:
        """Return the scan with its geometry corrected by the estimates, and R told what is left of them."""
        if not self.active:
            return scan
        name, place = scan.sensor.description.sensor_id, scan.place
        columns = self._columns[name]
        if self.biases.state_pose(columns, place):
            self._corrections = {}
        known = self._corrections.get(name)
        if known is None or known[0] is not columns:
            known = self._corrections[name] = (columns, *self._correction(columns))
        _, local, left = known
        stated = scan.look.g[G_YAW_VAR], scan.look.g[G_TILT_VAR], scan.look.g[G_POSITION_VAR], scan.look.g[G_ALIGN_VAR]
        if stated == left[:4] and left[4] == 0.0 and not local.any():
            return scan
        if local[boresight.CLOCK] != 0.0 and columns[0] >= 0:
            ahead_ns = -round(local[boresight.CLOCK] * 1e9)
            self.lead_ns = max(self.lead_ns, ahead_ns)
            place = self._book.place_at(scan.sensor, scan.t_ns + ahead_ns)
        axes, position_m = np.empty((3, 3)), place.position_m - local[boresight.PLACE : boresight.PLACE + 3]
        boresight.turned_axes(self._turns(place), local, np.ascontiguousarray(place.axes_from_enu), axes)
        g = scan.look.g.copy()
        g[0:3], g[G_AXES : G_AXES + 9] = position_m, axes.ravel()
        g[G_YAW_VAR], g[G_TILT_VAR], g[G_POSITION_VAR], g[G_ALIGN_VAR], g[G_CLOCK_VAR] = left
        g[G_CLOCK], g[G_RANGE_OFFSET] = local[boresight.CLOCK], local[boresight.RANGE_OFFSET]
        sigmas = math.sqrt(left[2]), math.sqrt(left[0])
        where = Place(position_m, place.velocity_mps, axes, *sigmas, place.enu_from_platform, place.enu_from_sensor)
        return scan._replace(look=scan.look._replace(g=g), place=where)

    def _correction(self, columns: I64) -> tuple[F64, tuple[float, ...]]:
        """Return what to correct (N_LOCAL,), and the variances left: heading, tilt, position, alignment, clock."""
        local = np.where(columns >= 0, self.biases.applied()[columns], 0.0)
        left = self.biases.considered(columns)
        yaw, tilt = left[boresight.YAW], left[boresight.PITCH : boresight.ROLL + 1].max()
        place, mount = (left[first : first + 3].max() for first in (boresight.PLACE, boresight.ALIGN))
        return local, (float(yaw), float(tilt), float(place), float(mount), float(left[boresight.CLOCK]))

    def _turns(self, place: Place) -> F64:
        turns = np.empty((6, 3))
        boresight.turn_axes(place.enu_from_platform, place.enu_from_sensor, turns)
        return turns

    def learn(self, table: TrackTable, scan: Scan, hits: Hits, xm: F64) -> None:
        """Feed the filters with the scan's clear detections, xm (C, 6) being the tracks' predicted states."""
        if not self.active:
            return
        kept = scan.look.used != TDOA
        if len(scan.look.z) and kept.any() and not scan.lone:
            used, b = scan.look.used[kept], self.biases
            z, columns = np.ascontiguousarray(scan.look.z[:, kept]), self._columns[scan.sensor.description.sensor_id]
            claimed = np.where((used >= EAST) & (used <= UP), CLAIM_LOOKS, 1.0)
            var = np.ascontiguousarray(scan.look.var[:, kept] * claimed)
            turns, own_mps = self._turns(scan.place), scan.place.velocity_mps
            look = Look(scan.look.g, columns, turns, own_mps, z, var, used, self._gate_d2)
            rows, dets = self._pairs(table, scan, hits, look)
            if len(rows):
                kernel.learn(
                    table.columns.track_id[rows], xm[rows], table.columns.mu[rows] @ self._q, dets, scan.t_ns,
                    self._start_var, *look, b.applied(), b.reach,
                    self._ids, self._times, self._outside, self._x, self._P, self._V, b.info, b.eta,
                )  # fmt: skip
        self._solve(scan.t_ns)

    def _pairs(self, table: TrackTable, scan: Scan, hits: Hits, look: Look) -> tuple[I64, I64]:
        """Return rows and detections (p,) that belong together: those that the association is sure of, and lone ones.

        A heading far off keeps a vehicle's detections out of all gates, or lets them make tracks of their own; so what
        no track that others feed has explained is compared again with those tracks, with the reach of the biases.
        """
        n, c = hits.n, table.columns
        fit = (c.state[:n] == State.CONFIRMED) & c.supported[:n]
        clear = (hits.beta > self._config.clear_share) & fit[hits.track] & ~self._in_formation(hits, fit)
        rows, dets = hits.track[clear], hits.det[clear]
        shares = c.shares[:n]
        foreign = shares @ self._elsewhere(scan.sensor) > OTHERS_SHARE * shares.sum(axis=1)
        fit &= foreign
        if shares[fit, scan.sensor.slot].sum() > SETTLED:
            return rows, dets
        fit[rows] = False
        taken = np.isin(np.arange(len(scan.look.z)), dets[foreign[rows]])
        free, slots = np.flatnonzero(fit), np.full(n, -1)
        for row in free.tolist():
            found = np.flatnonzero(self._ids == c.track_id[row])
            slots[row] = found[0] if len(found) else -1
        free, open_ = free[slots[free] >= 0], np.flatnonzero(~taken)
        if len(free) == 0 or len(open_) == 0:
            return rows, dets
        b, chosen = self.biases, np.empty(len(free), np.int64)
        reaching.lone_pairs(
            slots[free], c.mu[free] @ self._q, open_, scan.t_ns, *look, b.applied(), b.reach,
            self._times, self._x, self._P, self._V, chosen,
        )  # fmt: skip
        met = chosen >= 0
        if met.sum() < FEWEST_LONE:
            return rows, dets
        other = ~np.isin(dets, chosen[met])
        return np.concatenate([rows[other], free[met]]), np.concatenate([dets[other], chosen[met]])

    def _in_formation(self, hits: Hits, fit: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which pairs (p,) a whole formation wants.

        A heading error shifts all its members as one, so that the association is sure of the wrong neighbour.
        """
        wanted = np.bincount(hits.det[fit[hits.track]], minlength=int(hits.det.max(initial=0)) + 1)
        wide: NDArray[np.bool_] = wanted[hits.det] >= self._formation
        return wide

    def _elsewhere(self, sensor: Sensor) -> F64:
        """Return 1 for each slot (S,) whose sensor stands in another place."""
        name = sensor.description.sensor_id
        if name not in self._others:
            here = self._places[name]
            self._others[name] = np.array([float(self._places[s] != here) for s in self._book.sensors])
        return self._others[name]

    def _solve(self, t_ns: int) -> None:
        """Solve for the biases when it is time, and forget filters whose tracks are gone."""
        dt = (t_ns - self._solved_ns) / 1e9
        if self._solved_ns >= 0 and dt < self._config.solve_every_s:
            return
        if self._solved_ns >= 0:
            self.biases.solve(dt)
            self._corrections = {}
        self._ids[self._times < t_ns - int(FORGET_AFTER_S * 1e9)] = 0
        self._solved_ns = t_ns

    def report(self) -> list[BiasEstimate]:
        """Return what is known of every bias; nothing where nothing is observable."""
        return self.biases.report() if self.active else []

    def snapshot(self) -> RegistrationSnapshot:
        """Return a copy of all that scans change."""
        filters = self._ids, self._times, self._outside, self._x, self._P, self._V
        held = self._ids > 0
        return RegistrationSnapshot(
            self._solved_ns,
            self._corrections,
            self.biases.snapshot(),
            (held, *(array[held].copy() for array in filters)),
        )

    def restore(self, saved: RegistrationSnapshot) -> None:
        """Go back to a snapshot; sensors that came later start anew."""
        self._solved_ns = saved.solved_ns
        self.biases.restore(saved.biases)
        self._corrections = saved.corrections
        held, ids, *rest = saved.filters
        self._ids[:] = 0
        self._V[:] = 0.0
        self._ids[held] = ids
        for array, rows in zip((self._times, self._outside, self._x, self._P), rest[:-1], strict=True):
            array[held] = rows
        self._V[held, :, : rest[-1].shape[2]] = rest[-1]
