"""Read the files that a scenario names: errors before anything runs, and the content beside the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scenarios.document import Path as Key
from scenarios.elevation.dted import read_dted
from scenarios.elevation.geotiff import read_geotiff
from scenarios.elevation.grid import Elevation, ElevationError, checked
from scenarios.files import FileProblem, FileReference, known, read_beside
from scenarios.flight_file import FlightError, read_flight
from scenarios.flightplan import RecordedFlight
from scenarios.schema import Environment, Scenario

ELEVATION_BYTES = 200_000_000  # a degree at one arc second in 64-bit floats has 104 MB
FLIGHT_BYTES = 20_000_000  # 200 000 rows of 100 characters
GEOTIFF, DTED = (".tif", ".tiff"), (".dt0", ".dt1", ".dt2")


def attached(scenario: Scenario, folder: Path) -> tuple[Scenario, list[tuple[Key, str]]]:
    """Return a validated scenario whose files are read from ``folder``, and every error as (path, "must ...")."""
    errors: list[tuple[Key, str]] = []
    environment = scenario.environment
    try:
        environment = _with_elevation(environment, folder)
    except (FileProblem, ElevationError) as error:
        errors.append((("environment", "terrain", "file", "path"), str(error)))
    flights = []
    for i, flight in enumerate(scenario.flights):
        try:
            flights.append(_with_rows(flight, folder, scenario))
        except (FileProblem, FlightError) as error:
            errors.append((("flights", i, "file", "path"), str(error)))
    if errors or (environment is scenario.environment and not flights):
        return scenario, errors
    return scenario.model_copy(update={"environment": environment, "flights": tuple(flights)}), errors


def attachments(scenario: Scenario) -> tuple[FileReference, ...]:
    """Return the references to the files that a loaded scenario was made of."""
    references = (scenario.environment.terrain.file, *(flight.file for flight in scenario.flights))
    return tuple(r for r in references if r is not None)


def _with_rows(flight: RecordedFlight, folder: Path, scenario: Scenario) -> RecordedFlight:
    data = read_beside(flight.file, folder, (".csv",), FLIGHT_BYTES)
    rows = read_flight(data)
    half_m = scenario.environment.terrain.size_m / 2.0
    farthest_m = float(np.abs(rows.position_m[:, :2] + np.array(flight.offset_m[:2])).max())
    if farthest_m > half_m:
        raise FlightError(f"must stay on the terrain, within {half_m:g} m of the datum; it goes {farthest_m:.0f} m off")
    begin_s = float(rows.time_s[0]) if flight.start_s is None else flight.start_s
    if not 0.0 <= begin_s < scenario.duration_s:
        raise FlightError(f"must begin within the scenario's {scenario.duration_s:g} s; it begins at {begin_s:g} s")
    file = known(flight.file, folder, data)
    file._rows = rows
    return flight.model_copy(update={"file": file})


def _with_elevation(environment: Environment, folder: Path) -> Environment:
    plan, datum = environment.terrain, environment.datum
    if plan.file is None:
        return environment
    data = read_beside(plan.file, folder, (*GEOTIFF, *DTED), ELEVATION_BYTES)
    is_tiff = plan.file.path.lower().endswith(GEOTIFF)
    grid = checked(read_geotiff(data) if is_tiff else read_dted(data), plan.file.void_height_m)
    elevation = Elevation(grid, datum.latitude_deg, datum.longitude_deg, datum.altitude_m)
    axis = plan.axis_m()
    elevation.heights_m(*np.meshgrid(axis, axis))  # says what is missing before anything runs
    file = known(plan.file, folder, data)
    file._elevation = elevation
    return environment.model_copy(update={"terrain": plan.model_copy(update={"file": file})})
