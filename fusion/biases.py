"""The constant errors that platforms and sensors may have: their priors, which of them are faulty, and what is known.

A pose that says 0.1 deg is right nearly always and grossly wrong sometimes. One wide prior for all would smear
one vehicle's error over the whole platoon, because a heading error common to all cannot be seen. So every bias
has the stated prior until the evidence of a *faulty* one (a wide prior on top) is better by the odds that a fault
has: the ratio of the marginal likelihoods under both priors, with all other biases integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.config import RegistrationConfig, SensorConfig
from fusion.kernels import information
from fusion.kernels.boresight import ALIGN, CLOCK, N_LOCAL, PITCH, PLACE, RANGE_OFFSET, ROLL, YAW
from fusion.sensors import Place, Sensor
from messages.frames import F64

I64 = NDArray[np.int64]
NAMES = ("yaw", "pitch", "roll", "east", "north", "up", "yaw", "pitch", "roll", "range", "clock")
UNITS = ("rad", "rad", "rad", "m", "m", "m", "rad", "rad", "rad", "m", "s")
FAULT_NATS = (4.5, 5.0, 5.0, 6.0, 6.0, 6.0, 8.5, 8.5, 8.5, 7.0, 5.0)
"""Log odds against a fault, by local bias: a heading is wrong once in 90 engagements, a clock or level once in 150,
a place once in 400, a calibrated range once in 1000, a mount once in 5000."""
RIVAL_NATS = 3.0  # faults whose evidence differs by less (1 in 20) cannot be told apart: all of them are opened
RIVAL_BACK_NATS = 1.0  # each of two rivals explains nothing that the other would not: both stay until it is less
BACK_SHARE = 0.5  # of those odds: a fault whose evidence falls below is taken back
PATIENCE = 3  # solutions in a row that must say so: one wrong association is consistent with itself for a second or two
MAX_CHANGES = 4  # changes of prior in one solution: the next one follows in a second
REACH = 0.6  # of the faulty sigma: what the gate of the filters allows for before a fault is known
SIGNIFICANT = 3.0  # sigmas
COARSE_RAD = 0.026  # 1.5 deg: no alignment of a coarser sensor (sound, radio) matters or can be seen
OBSERVABLE = 0.5  # posterior sigma over prior sigma


@dataclass(frozen=True)
class BiasEstimate:
    """What is known of one bias, stated minus true, in ``unit`` (rad, m or s)."""

    owner: str
    kind: str
    name: str
    unit: str
    value: float
    sigma: float
    prior_sigma: float
    observable: bool
    significant: bool


class Biases:
    """Arrays over all B biases; ``likelihood`` is kept apart from the priors so that these can change."""

    def __init__(self, config: RegistrationConfig, sensors: SensorConfig) -> None:
        self._config, self._sensors = config, sensors
        self._blocks: dict[tuple[str, str], int] = {}
        self._owners: list[tuple[str, str, int]] = []  # kind, owner, local bias
        self.local: I64 = np.empty(0, np.int64)
        self.stated_var: F64 = np.empty(0)
        self.unstated: NDArray[np.bool_] = np.empty(0, np.bool_)
        self.faulty: NDArray[np.bool_] = np.empty(0, np.bool_)
        self.rivals: NDArray[np.bool_] = np.empty(0, np.bool_)  # opened together with others that explain as much
        self.suspected: I64 = np.empty(0, np.int64)  # solutions in a row in which the evidence was enough
        self.info: F64 = np.empty((0, 0))
        self.eta: F64 = np.empty(0)
        self.mean: F64 = np.empty(0)
        self.P: F64 = np.empty((0, 0))
        self.reach: F64 = np.empty((0, 0))
        c = config
        self._faulty_sigma = np.full(N_LOCAL, c.faulty_tilt_sigma_rad)
        self._faulty_sigma[YAW] = c.faulty_heading_sigma_rad
        self._faulty_sigma[PLACE : PLACE + 3] = c.faulty_position_sigma_m
        self._faulty_sigma[RANGE_OFFSET], self._faulty_sigma[CLOCK] = c.faulty_range_sigma_m, c.faulty_clock_sigma_s
        self._walk_s = np.array([c.pose_walk_s] * ALIGN + [c.alignment_walk_s] * (N_LOCAL - ALIGN))

    def add(self, sensor: Sensor) -> I64:
        """Make room for a sensor's biases; return their places (N_LOCAL,), -1 where it has none."""
        d, c = sensor.description, self._config
        columns = np.full(N_LOCAL, -1)
        if d.platform_id is not None:
            columns[:ALIGN] = self._block("platform", d.platform_id, np.arange(ALIGN))
        mine = np.array([*range(ALIGN, RANGE_OFFSET), RANGE_OFFSET, CLOCK])
        own = self._block("sensor", d.sensor_id, mine)
        self.stated_var = self.stated_var.copy()
        self.stated_var[own[:3]] = sensor.alignment_sigma_rad**2
        self.stated_var[own[3:]] = (c.range_sigma_share * (d.sigma.range_m or 1.0)) ** 2, c.clock_sigma_s**2
        columns[mine] = own
        coarse = max(d.sigma.azimuth_rad or np.inf, d.sigma.elevation_rad or 0.0) > COARSE_RAD
        if d.platform_id is None or coarse:  # surveyed in: only its clock and its ranges can be wrong
            columns[ALIGN:RANGE_OFFSET] = -1
        if not sensor.ranged:
            columns[RANGE_OFFSET] = -1
        self._start()
        return columns

    def _block(self, kind: str, owner: str, local: I64) -> I64:
        first = self._blocks.get((kind, owner))
        if first is None:
            first = self._blocks[kind, owner] = len(self.local)
            self._owners += [(kind, owner, int(j)) for j in local]
            self.local = np.concatenate([self.local, local])
            self.stated_var = np.concatenate([self.stated_var, self._default_var(local)])
            self.unstated = np.concatenate([self.unstated, np.ones(len(local), np.bool_)])
        return np.asarray(first + np.arange(len(local)), dtype=np.int64)

    def _default_var(self, local: I64) -> F64:
        c = self._config
        sigma = np.ones(N_LOCAL)
        sigma[YAW], sigma[[PITCH, ROLL]] = c.heading_sigma_rad, c.heading_sigma_rad * self._sensors.tilt_share
        sigma[PLACE : PLACE + 3] = c.position_sigma_m
        return np.asarray(sigma[local] ** 2, dtype=np.float64)

    def _start(self) -> None:
        """Bring all arrays to the present number of biases; new ones have their prior and no likelihood."""
        priors = self.faulty, self.rivals, self.suspected, self.stated_var, self.unstated
        self.restore((*priors, self.info, self.eta, self.mean, self.P, self.reach))

    def state_pose(self, columns: I64, place: Place) -> bool:
        """Take the sigmas that a pose states as the prior; zero states nothing. Return whether they are new."""
        first = int(columns[0])
        if first < 0:
            return False
        yaw, position = place.yaw_sigma_rad, place.position_sigma_m
        now = (0.0 if self.unstated[k] else self.stated_var[k] for k in (first, first + PLACE))
        if tuple(now) == (yaw * yaw, position * position):
            return False
        tilt = yaw * self._sensors.tilt_share
        said = np.array([v * v for v in (yaw, tilt, tilt, position, position, position)])
        own = columns[:ALIGN]
        self.stated_var, self.unstated = self.stated_var.copy(), self.unstated.copy()
        self.unstated[own] = said == 0.0
        self.stated_var[own] = np.where(said == 0.0, self._default_var(self.local[own]), said)
        return True

    def prior_var(self) -> F64:
        """Return the variances (B,) of the priors in use."""
        return np.asarray(self.stated_var + np.where(self.faulty, self._faulty_sigma[self.local] ** 2, 0.0))

    def solve(self, dt_s: float) -> None:
        """Let the biases walk for dt [s], decide which are faulty, and write mean, P and reach."""
        self._walk(2.0 * self.stated_var * dt_s / self._walk_s[self.local])
        keep = float(np.exp(-dt_s / self._config.memory_s))
        self.info *= keep
        self.eta *= keep
        self.mean, self.P = self._posterior(self.prior_var())
        enough = self._fault_evidence() > self._nats()
        self.suspected = np.where(enough & ~self.faulty, self.suspected + 1, 0)
        for _ in range(MAX_CHANGES):
            if not self._reconsider():
                break
            self.mean, self.P = self._posterior(self.prior_var())
        far = (REACH * self._faulty_sigma[self.local]) ** 2
        _, self.reach = self._posterior(np.maximum(self.prior_var(), far))

    def _walk(self, step_var: F64) -> None:
        told = np.flatnonzero(self.info.diagonal() > 0.0)
        block = np.ix_(told, told)
        info, eta = np.ascontiguousarray(self.info[block]), self.eta[told]
        information.walk(info, eta, step_var[told])
        self.info[block], self.eta[told] = info, eta

    def _posterior(self, prior_var: F64) -> tuple[F64, F64]:
        """Return mean and covariance; biases that no detection speaks of keep their prior and cost nothing."""
        mean, P = np.zeros(len(prior_var)), np.diag(prior_var)
        told = np.flatnonzero(self.info.diagonal() > 0.0)
        if len(told):
            block = np.ix_(told, told)
            m, C = np.zeros(len(told)), P[block]
            information.posterior(np.ascontiguousarray(self.info[block]), self.eta[told], prior_var[told], m, C)
            mean[told], P[block] = m, C
        return mean, P

    def _reconsider(self) -> bool:
        """Change the prior where the evidence says so; return whether anything changed."""
        gain, nats = self._fault_evidence(), self._nats()
        rivalled = self.faulty & self.rivals
        back = self.faulty & (gain < np.where(rivalled, -RIVAL_BACK_NATS, BACK_SHARE * nats))
        open_ = ~self.faulty & (gain > nats) & (self.suspected >= PATIENCE)
        if not back.any() and not open_.any():
            return False
        faulty = self.faulty & ~back
        if open_.any():
            odds = gain - nats
            chosen = open_ & (odds > odds[open_].max() - RIVAL_NATS)
            faulty |= chosen
            self.rivals = np.where(chosen, chosen.sum() > 1, self.rivals)
        self.faulty = faulty
        return True

    def _nats(self) -> F64:
        return np.array(FAULT_NATS)[self.local]

    def _fault_evidence(self) -> F64:
        """Return log N(m; 0, v + stated + faulty) - log N(m; 0, v + stated) (B,).

        m, v: what the data and all other biases say of this one, its own prior taken out of the posterior.
        """
        prior, own = self.prior_var(), self.P.diagonal()
        told = own < 0.999 * prior
        safe = np.where(told, own, 0.5 * prior)
        v = 1.0 / (1.0 / safe - 1.0 / prior)
        m = self.mean * v / safe
        narrow = v + self.stated_var
        wide = narrow + self._faulty_sigma[self.local] ** 2
        gain = 0.5 * (m * m / narrow - m * m / wide - np.log(wide / narrow))
        return np.where(told, gain, 0.0)

    def applied(self) -> F64:
        """Return the corrections (B,): the estimates of biases whose sigma is stated, and of faulty ones.

        A pose without a sigma claims to be exact: until it is found to be faulty it is taken at its word, because the
        estimates of sound poses wander together by what cannot be seen, and would move the frame.
        """
        return np.where(self.faulty | ~self.unstated, self.mean, 0.0)

    def considered(self, columns: I64) -> F64:
        """Return the remaining variances (N_LOCAL,) of a sensor's biases, for R; 0 where it has none.

        What is left after registration is common to the platforms, because only differences can be seen, but R takes
        the errors of platforms as independent. So each variance is multiplied by the sum of its absolute correlations:
        ``diag(P_ii sum_j |rho_ij|) - P`` is diagonally dominant once scaled to unit variances, hence never smaller
        than P in any direction. The prior bounds P as well; of each variance the smaller one is taken, which is no
        bound as a whole where stated sigmas differ, but many small correlations by chance do not add up.
        """
        used = self.faulty | ~self.unstated
        known = np.where(used, np.minimum(self.P.diagonal() * self._shared(used), self.prior_var()), 0.0)
        mount = (self.local >= ALIGN) & (self.local < RANGE_OFFSET) & ~self.faulty
        return np.where(columns >= 0, np.where(mount, self.stated_var, known)[columns], 0.0)

    def _shared(self, used: NDArray[np.bool_]) -> F64:
        """Return the sums (B,) of each bias's absolute correlations with all that are used, its own included."""
        sigma = np.sqrt(self.P.diagonal())
        return np.asarray((np.abs(self.P) / np.outer(sigma, sigma))[:, used].sum(axis=1))

    def report(self) -> list[BiasEstimate]:
        """Return what is known of every bias, in the order in which their owners came."""
        prior, out = np.sqrt(self.prior_var()), []
        for k, (kind, owner, local) in enumerate(self._owners):
            value, sigma = float(self.mean[k]), float(np.sqrt(self.P[k, k]))
            observable = bool(self.info[k, k] > 0.0 and sigma < OBSERVABLE * prior[k])
            significant = observable and abs(value) > SIGNIFICANT * sigma
            args = kind, NAMES[local], UNITS[local], value, sigma, float(prior[k]), observable, significant
            out.append(BiasEstimate(owner, *args))
        return out

    def snapshot(self) -> tuple[NDArray[np.generic], ...]:
        """Return all that scans change; only the likelihood is changed in place."""
        held = self.info.copy(), self.eta.copy(), self.mean, self.P, self.reach
        return (self.faulty, self.rivals, self.suspected, self.stated_var, self.unstated, *held)

    def restore(self, saved: tuple[NDArray[np.generic], ...]) -> None:
        """Put a snapshot back; biases that came later have their prior and no likelihood."""
        faulty, rivals, suspected, stated_var, unstated, info, eta, mean, P, reach = saved
        old, size = len(faulty), len(self.local)
        more = (0, size - old)
        self.faulty, self.rivals, self.suspected = np.pad(faulty, more), np.pad(rivals, more), np.pad(suspected, more)
        self.eta, self.mean = np.pad(eta, more), np.pad(mean, more)
        self.info = np.pad(info, (more, more))
        kept = len(stated_var)
        self.stated_var = np.concatenate([stated_var, self.stated_var[kept:]])
        self.unstated = np.concatenate([unstated, self.unstated[kept:]])
        far = (REACH * self._faulty_sigma[self.local]) ** 2
        self.P, self.reach = np.diag(self.stated_var), np.diag(np.maximum(self.stated_var, far))
        self.P[:old, :old], self.reach[:old, :old] = P, reach
