"""Flights: how drones and birds move, leg by leg, with limits of acceleration and a pilot's manoeuvre noise."""

from sim.flight.groups import fly
from sim.flight.trajectory import Trajectory

__all__ = ["Trajectory", "fly"]
