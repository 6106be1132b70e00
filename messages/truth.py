"""What the simulator knows; recorded, displayed and scored, never read by the node's estimation.

Only ``sim``, ``vedette``, ``benchmarks``, and of the node's package ``edge_node.recording``,
``edge_node.foxglove``, ``edge_node.replay`` and ``edge_node.console`` may import this module.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from messages.types import Angle, Message, Name, NonNegative, Position, Probability, TimeNs, Velocity


class TruthState(Message, frozen=True, kw_only=True):
    """One target as it really is; ``detection_probability`` is each sensor's modelled Pd at its last look."""

    target_id: Name
    target_class: Name
    threat: bool
    airborne: bool
    position_m: Position
    velocity_mps: Velocity
    detection_probability: dict[Name, Probability]


class TruePlatform(Message, frozen=True, kw_only=True):
    """One platform as it really is (its pose message holds what it believes)."""

    platform_id: Name
    position_m: Position
    velocity_mps: Velocity
    yaw_rad: Angle
    pitch_rad: Angle
    roll_rad: Angle
    noise_dba: NonNegative


class TruthSet(Message, frozen=True, kw_only=True):
    """All targets and platforms at one instant."""

    t_ns: TimeNs
    targets: Annotated[tuple[TruthState, ...], Meta(max_length=256)]
    platforms: Annotated[tuple[TruePlatform, ...], Meta(max_length=64)]
