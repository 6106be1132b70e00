"""Where a sensor believes to be: reported poses of its platform, interpolated to a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from messages.frames import F64, enu_from_body, parent_from_body
from messages.types import PlatformPose, SensorDescription


class ReportedPoses:
    """Poses of all platforms, linear between the reported ones."""

    def __init__(self, poses: Iterable[PlatformPose]) -> None:
        rows: dict[str, list[tuple[float, ...]]] = {}
        for p in sorted(poses, key=lambda pose: pose.t_ns):
            row = (float(p.t_ns), *p.position_m, p.yaw_rad, p.pitch_rad, p.roll_rad)
            rows.setdefault(p.platform_id, []).append(row)
        self._rows = {name: np.array(values) for name, values in rows.items()}
        for table in self._rows.values():
            table[:, 4] = np.unwrap(table[:, 4])

    def sensor_pose(self, sensor: SensorDescription, t_ns: int) -> tuple[F64, F64]:
        """Return the sensor's place in ENU (3,) and enu_from_sensor (3, 3)."""
        mount, place = parent_from_body(sensor.yaw_rad, sensor.pitch_rad, sensor.roll_rad), np.array(sensor.position_m)
        if sensor.platform_id is None:
            return place, np.asarray(enu_from_body(sensor.yaw_rad, sensor.pitch_rad, sensor.roll_rad))
        table = self._rows[sensor.platform_id]
        east, north, up, yaw, pitch, roll = (float(np.interp(t_ns, table[:, 0], table[:, i])) for i in range(1, 7))
        turn = enu_from_body(yaw, pitch, roll)
        return np.array([east, north, up]) + turn @ place, np.asarray(turn @ mount)
