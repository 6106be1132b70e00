"""Read the files that a scenario names: errors before anything runs, and the content beside the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scenarios.document import Path as Key
from scenarios.elevation.dted import read_dted
from scenarios.elevation.geotiff import read_geotiff
from scenarios.elevation.grid import Elevation, ElevationError, checked
from scenarios.files import FileProblem, FileReference, known, read_beside
from scenarios.schema import Environment, Scenario

ELEVATION_BYTES = 200_000_000  # a degree at one arc second in 64-bit floats has 104 MB
GEOTIFF, DTED = (".tif", ".tiff"), (".dt0", ".dt1", ".dt2")


def attached(scenario: Scenario, folder: Path) -> tuple[Scenario, list[tuple[Key, str]]]:
    """Return a validated scenario whose files are read from ``folder``, and every error as (path, "must ...")."""
    errors: list[tuple[Key, str]] = []
    environment = scenario.environment
    try:
        environment = _with_elevation(environment, folder)
    except (FileProblem, ElevationError) as error:
        errors.append((("environment", "terrain", "file", "path"), str(error)))
    if environment is scenario.environment:
        return scenario, errors
    return scenario.model_copy(update={"environment": environment}), errors


def attachments(scenario: Scenario) -> tuple[FileReference, ...]:
    """Return the references to the files that a loaded scenario was made of."""
    references = (scenario.environment.terrain.file,)
    return tuple(r for r in references if r is not None)


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
