"""``vedette scenarios`` and ``vedette schema``: what there is to run, and how a scenario file is written."""

from __future__ import annotations

import json

from scenarios.loader import library, schema_json


def print_scenarios() -> None:
    """Print name and title of every library scenario, the default first."""
    rows = library()
    width = max(len(name) for name, _ in rows)
    for name, title in rows:
        print(f"{name:<{width}}  {title}")


def print_schema() -> None:
    """Print the JSON Schema of a scenario file."""
    schema = schema_json()
    print(schema if isinstance(schema, str) else json.dumps(schema, indent=2))
