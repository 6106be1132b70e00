"""The life of a track as a table: tentative, confirmed, coasting, deleted."""

from __future__ import annotations

from enum import IntEnum
from typing import cast

import numpy as np

from messages.types import TrackStatus


class State(IntEnum):
    """The four track states (numbers, so that they fit into an array)."""

    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2
    DELETED = 3


class Event(IntEnum):
    """What can happen to a track."""

    PROVEN = 0  # existence and hits are enough
    SEEN = 1  # a detection was associated
    SILENT = 2  # no detection for longer than coast_after_s
    DOUBTED = 3  # existence too low, or position too uncertain
    MERGED = 4  # an older track is the same target


class IllegalTransition(ValueError):
    """The event cannot happen in this state; nothing was changed."""


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.TENTATIVE, Event.PROVEN): State.CONFIRMED,
    (State.TENTATIVE, Event.SEEN): State.TENTATIVE,
    (State.TENTATIVE, Event.SILENT): State.TENTATIVE,
    (State.TENTATIVE, Event.DOUBTED): State.DELETED,
    (State.TENTATIVE, Event.MERGED): State.DELETED,
    (State.CONFIRMED, Event.SEEN): State.CONFIRMED,
    (State.CONFIRMED, Event.SILENT): State.COASTING,
    (State.CONFIRMED, Event.DOUBTED): State.DELETED,
    (State.CONFIRMED, Event.MERGED): State.DELETED,
    (State.COASTING, Event.SEEN): State.CONFIRMED,
    (State.COASTING, Event.SILENT): State.COASTING,
    (State.COASTING, Event.DOUBTED): State.DELETED,
    (State.COASTING, Event.MERGED): State.DELETED,
}


def advance(state: State, event: Event) -> State:
    """Return the state after the event; raise IllegalTransition where the table has no such row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"track in state {state.name}: event {event.name} is not allowed") from None


# The same table for the kernels: the state after, by state and event; -1 where there is no row.
NEXT = np.full((len(State), len(Event)), -1, np.int8)
for (_state, _event), _next in TRANSITIONS.items():
    NEXT[_state, _event] = _next


def status_name(state: State) -> TrackStatus:
    """Return the word that travels in messages."""
    return cast(TrackStatus, state.name.lower())
