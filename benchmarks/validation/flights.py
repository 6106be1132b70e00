"""How hard simulated FPV flights are to predict: the measure of the published statistics of real ones."""

from __future__ import annotations

import numpy as np

from messages.frames import F64
from scenarios.catalogue import shipped
from scenarios.flightplan import Target
from scenarios.schema import Environment, Scenario, TerrainPlan
from sim.flight import Trajectory, fly
from sim.terrain import Terrain

TYPES = ("fpv_analogue", "fpv_fhss", "fpv_fibre", "fpv_autonomous")
ATTACK = (
    {"kind": "transit", "to_m": [250.0, 800.0], "height_m": 20.0, "speed_mps": 25.0},
    {"kind": "terminal", "platform": "tank_1"},
)
"""From the ground 1.5 km away, a corner, a dive on a tank."""
TANK_M = (0.0, 0.0, 1.8, 0.0, 0.0)
DURATION_S, STEP_S = 90.0, 0.1


def constant_velocity_error_m(flight: Trajectory, ahead_s: float, until_s: float = DURATION_S) -> float:
    """Return the RMS distance between where a constant velocity leads and where the target is after a time."""
    end_s = min(flight.end_s, until_s)
    t = np.arange(flight.start_s, end_s - ahead_s - 0.5 * STEP_S, STEP_S)
    now, velocity = flight.track(t)
    later, _ = flight.track(t + ahead_s)
    miss = later - now - velocity * ahead_s
    return float(np.sqrt(np.mean(np.sum(miss**2, axis=1))))


def prediction_errors_m(count: int, rng: np.random.Generator) -> tuple[F64, F64]:
    """Return the errors after one and after two seconds of ``count`` attacks (count,), the FPV types in turn."""
    ground = Terrain(TerrainPlan(relief_m=0.0, woods_fraction=0.0, size_m=8000.0, cell_m=100.0))
    errors = np.empty((count, 2))
    for k in range(count):
        target = {"id": "a", "type": TYPES[k % len(TYPES)], "start": {"position_m": [600.0, 1500.0]}, "legs": ATTACK}
        scenario = Scenario(
            name="attack",
            title="attack",
            description="attack",
            duration_s=DURATION_S,
            environment=Environment(wind_mps=0.0),
            targets=(Target.model_validate(target),),
        )
        (flight,) = fly(scenario, shipped(), ground, lambda name, t_s: TANK_M, rng)
        errors[k] = [constant_velocity_error_m(flight, ahead_s) for ahead_s in (1.0, 2.0)]
    return errors[:, 0], errors[:, 1]
