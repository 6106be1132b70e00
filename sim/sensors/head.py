"""A pan-tilt head: two axes that turn at a limited rate, and a picture that needs time to stand still after a slew."""

from __future__ import annotations

import math

from messages.frames import wrap_pi

Direction = tuple[float, float]  # azimuth, elevation [rad] in the axes of the mount


class PanTiltHead:
    """Where a head points; ``turn`` moves it on in time towards a direction.

    The picture stays good while the head follows: a correction of at most ``step_rad``, at rest or on top of the
    rate that it has. All else is a slew, and the picture is good again ``settle_s`` after the head has arrived.
    """

    def __init__(
        self,
        home: Direction,
        *,
        rate_radps: float,
        settle_s: float,
        step_rad: float,
        azimuth_rad: Direction,
        elevation_rad: Direction,
    ) -> None:
        """Start at home, at rest; the intervals are where the axis may point (a full turn of azimuth has no end)."""
        self._rate_radps, self._settle_s, self._step_rad = rate_radps, settle_s, step_rad
        self._endless = azimuth_rad[1] - azimuth_rad[0] >= 2.0 * math.pi - 1e-9
        self._azimuth_rad, self._elevation_rad = azimuth_rad, elevation_rad
        self._t_s = 0.0
        self._good_s = 0.0  # from then on the picture is good
        self._rate: Direction = (0.0, 0.0)  # of the last turn [rad/s]
        self.azimuth_rad, self.elevation_rad = self.allowed(home)

    def allowed(self, wish: Direction) -> Direction:
        """Return the direction nearest to a wish that the axes can take."""
        azimuth = float(wrap_pi(wish[0]))
        if not self._endless:
            # The interval may cross +-180 degrees: the turn of the wish that lies nearest to it.
            low, high = self._azimuth_rad
            middle = (low + high) / 2.0
            azimuth = min(max(middle + float(wrap_pi(azimuth - middle)), low), high)
        return azimuth, min(max(wish[1], self._elevation_rad[0]), self._elevation_rad[1])

    def turn(self, t_s: float, wish: Direction) -> None:
        """Turn towards a direction until ``t_s``; the time of the last call or an earlier one moves nothing."""
        left_s = t_s - self._t_s
        if left_s <= 0.0:
            return
        way, reach = self._way(wish), self._rate_radps * left_s
        if not self._follows(way, left_s):
            self._good_s = self._t_s + max(abs(way[0]), abs(way[1])) / self._rate_radps + self._settle_s
        turn = min(max(way[0], -reach), reach), min(max(way[1], -reach), reach)
        azimuth = self.azimuth_rad + turn[0]
        self.azimuth_rad = float(wrap_pi(azimuth)) if self._endless else azimuth
        self.elevation_rad += turn[1]
        self._rate = turn[0] / left_s, turn[1] / left_s
        self._t_s = t_s

    def good(self) -> bool:
        """Say whether the picture is good now."""
        return self._t_s >= self._good_s

    def _follows(self, way: Direction, left_s: float) -> bool:
        """Say whether a turn within ``left_s`` is no slew."""
        if max(abs(way[0]), abs(way[1])) > self._rate_radps * left_s + self._step_rad:
            return False
        at_rest = max(abs(way[0]), abs(way[1]))
        on_top = max(abs(w - rate * left_s) for w, rate in zip(way, self._rate, strict=True))
        return min(at_rest, on_top) <= self._step_rad

    def _way(self, wish: Direction) -> Direction:
        """Return how far each axis has to turn, azimuth the shorter way where both ways are open."""
        azimuth, elevation = self.allowed(wish)
        turn = azimuth - self.azimuth_rad
        return float(wrap_pi(turn)) if self._endless else turn, elevation - self.elevation_rad
