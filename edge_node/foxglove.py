"""Tracks, truth, platforms and alerts as the Foxglove message types that common viewers draw.

Everything is in the frame ``enu`` (x east, y north, z up, metres), which is the viewers' own convention.
Platforms are frames below it (x forward, y left, z up), so that a viewer can ride along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from foxglove_schemas_protobuf import FrameTransform_pb2, Log_pb2, SceneUpdate_pb2

from messages.frames import F64, enu_from_body
from messages.truth import TruthSet, TruthState
from messages.types import Alert, AlertLevel, PlatformPose, Track

FRAME_ID = "enu"
Colour = tuple[float, float, float, float]
TRACK_COLOUR: Colour = (1.0, 0.75, 0.1, 0.5)
COASTING_COLOUR: Colour = (0.7, 0.7, 0.7, 0.35)
THREAT_COLOUR: Colour = (0.9, 0.15, 0.15, 0.9)
HARMLESS_COLOUR: Colour = (0.3, 0.8, 0.4, 0.9)
PLATFORM_COLOUR: Colour = (0.35, 0.4, 0.3, 1.0)
TEXT_COLOUR: Colour = (1.0, 1.0, 1.0, 1.0)
PLATFORM_SIZE_M = (7.0, 3.6, 2.4)  # a main battle tank without its gun
TURRET_SIZE_M = (3.5, 2.4, 0.9)
TARGET_SIZE_M = 2.0  # drawn larger than life: a quadcopter of 0.3 m would not be seen
ELLIPSOID_SIGMAS = 2.0  # half axes of a track's body; 74 % of the truth lies inside in three dimensions
ELLIPSOID_LIMITS_M = (1.0, 400.0)
SCENE_LIFETIME_NS = 500_000_000  # five frames of a 10 Hz scene: what is not refreshed disappears
VELOCITY_LINE_S = 1.0  # a track's line ends where it will be then
# A viewer's log knows no caution: the crew's three levels land on its three middle ones.
LOG_LEVELS: dict[AlertLevel, int] = {"INFO": 2, "CAUTION": 3, "WARNING": 4}
_NS_PER_S = 1_000_000_000


def tracks_scene(tracks: Sequence[Track], t_ns: int) -> Any:
    """Return a foxglove.SceneUpdate: an ellipsoid of uncertainty, a velocity line and a label for each track."""
    update = SceneUpdate_pb2.SceneUpdate()
    for track in tracks:
        entity = _entity(update, f"track/{track.track_id}", t_ns, SCENE_LIFETIME_NS)
        colour = TRACK_COLOUR if track.status == "confirmed" else COASTING_COLOUR
        position, velocity = np.array(track.state[:3]), np.array(track.state[3:])
        variance = np.array([track.covariance[0], track.covariance[6], track.covariance[11]])
        size = np.clip(2.0 * ELLIPSOID_SIGMAS * np.sqrt(np.maximum(variance, 0.0)), *ELLIPSOID_LIMITS_M)
        _sphere(entity, position, size, colour)
        _line(entity, position, position + VELOCITY_LINE_S * velocity, colour)
        kind = max(track.class_probabilities, key=lambda name: (track.class_probabilities[name], name), default="")
        _label(entity, position, f"{track.track_id} {kind}".strip())
        _metadata(entity, {"status": track.status, "existence": f"{track.existence:.3f}", "class": kind})
    return update


def truth_scene(truth: TruthSet) -> Any:
    """Return a foxglove.SceneUpdate of the airborne targets as they really are."""
    update = SceneUpdate_pb2.SceneUpdate()
    for target in truth.targets:
        if target.airborne:
            _target(update, target, truth.t_ns)
    return update


def platform_scene(pose: PlatformPose) -> Any:
    """Return a foxglove.SceneUpdate with a body that moves with the platform's frame; sent once a platform."""
    update = SceneUpdate_pb2.SceneUpdate()
    entity = _entity(update, f"platform/{pose.platform_id}", pose.t_ns, 0, frame_id=pose.platform_id)
    cube = entity.cubes.add()
    turret = "/" in pose.platform_id
    cube.size.x, cube.size.y, cube.size.z = TURRET_SIZE_M if turret else PLATFORM_SIZE_M
    cube.pose.position.z = cube.size.z / 2.0
    cube.pose.orientation.w = 1.0
    _paint(cube.color, PLATFORM_COLOUR)
    return update


def platform_transform(pose: PlatformPose) -> Any:
    """Return the foxglove.FrameTransform of a platform's own frame below ``enu``."""
    transform = FrameTransform_pb2.FrameTransform(parent_frame_id=FRAME_ID, child_frame_id=pose.platform_id)
    _stamp(transform.timestamp, pose.t_ns)
    t, r = transform.translation, transform.rotation
    t.x, t.y, t.z = pose.position_m
    r.x, r.y, r.z, r.w = map(float, quaternion(enu_from_body(pose.yaw_rad, pose.pitch_rad, pose.roll_rad)))
    return transform


def alert_log(alert: Alert) -> Any:
    """Return the foxglove.Log line of an alert."""
    text = f"{alert.level} track {alert.track_id} at {alert.platform_id} ({alert.aspect}): {alert.reason}"
    log = Log_pb2.Log(level=LOG_LEVELS[alert.level], name="alert", message=text)  # type: ignore[arg-type]
    _stamp(log.timestamp, alert.t_ns)
    return log


def quaternion(rotation: F64) -> F64:
    """Return the unit quaternion (x, y, z, w), w >= 0, of a (3, 3) rotation (Shepperd's largest-component form)."""
    m = rotation
    # Diagonal of 4 q q^T: the largest component is divided by, so that nothing small ever is.
    squares = 1.0 + np.array(
        [
            m[0, 0] - m[1, 1] - m[2, 2],
            m[1, 1] - m[0, 0] - m[2, 2],
            m[2, 2] - m[0, 0] - m[1, 1],
            m[0, 0] + m[1, 1] + m[2, 2],
        ]
    )
    sums = np.array([[0, m[1, 0] + m[0, 1], m[0, 2] + m[2, 0]], [0, 0, m[2, 1] + m[1, 2]], [0, 0, 0]])
    turns = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    outer = np.diag(squares)
    outer[:3, :3] += sums + sums.T
    outer[3, :3] = outer[:3, 3] = turns
    row = outer[int(np.argmax(squares))]
    q = row / np.linalg.norm(row)
    return np.asarray(-q if q[3] < 0.0 else q, dtype=np.float64)


def _target(update: Any, target: TruthState, t_ns: int) -> None:
    entity = _entity(update, f"truth/{target.target_id}", t_ns, SCENE_LIFETIME_NS)
    position = np.array(target.position_m)
    _sphere(entity, position, np.full(3, TARGET_SIZE_M), THREAT_COLOUR if target.threat else HARMLESS_COLOUR)
    _label(entity, position, target.target_id)
    _metadata(entity, {"class": target.target_class, "threat": str(target.threat).lower()})


def _stamp(timestamp: Any, t_ns: int) -> None:
    timestamp.seconds, timestamp.nanos = divmod(t_ns, _NS_PER_S)


def _entity(update: Any, name: str, t_ns: int, lifetime_ns: int, *, frame_id: str = FRAME_ID) -> Any:
    entity = update.entities.add(id=name, frame_id=frame_id, frame_locked=True)
    _stamp(entity.timestamp, t_ns)
    _stamp(entity.lifetime, lifetime_ns)
    return entity


def _sphere(entity: Any, position_m: F64, size_m: F64, colour: Colour) -> None:
    sphere = entity.spheres.add()
    _place(sphere.pose.position, position_m)
    sphere.pose.orientation.w = 1.0
    _place(sphere.size, size_m)
    _paint(sphere.color, colour)


def _line(entity: Any, start_m: F64, end_m: F64, colour: Colour) -> None:
    line = entity.lines.add(thickness=2.0, scale_invariant=True)
    line.pose.orientation.w = 1.0
    for point in (start_m, end_m):
        _place(line.points.add(), point)
    _paint(line.color, colour)


def _label(entity: Any, position_m: F64, text: str) -> None:
    label = entity.texts.add(billboard=True, font_size=14.0, scale_invariant=True, text=text)
    _place(label.pose.position, position_m)
    label.pose.orientation.w = 1.0
    _paint(label.color, TEXT_COLOUR)


def _metadata(entity: Any, values: dict[str, str]) -> None:
    for key, value in values.items():
        entity.metadata.add(key=key, value=value)


def _place(vector: Any, xyz: F64) -> None:
    vector.x, vector.y, vector.z = map(float, xyz)


def _paint(target: Any, colour: Colour) -> None:
    target.r, target.g, target.b, target.a = colour
