"""``vedette scenarios``, ``catalogue``, ``schema``: what there is to run, to build from, and how it is written."""

from __future__ import annotations

import json
from textwrap import fill

from scenarios.catalogue import SECTIONS, entry_text, shipped
from scenarios.loader import library, schema_json
from scenarios.wording import nearest
from vedette.errors import InputError

WIDTH = 120


def print_scenarios() -> None:
    """Print name and title of every library scenario, the default first."""
    rows = library()
    width = max(len(name) for name, _ in rows)
    for name, title in rows:
        print(f"{name:<{width}}  {title}")


def print_catalogue(section: str, name: str | None) -> None:
    """Print name, title and source of every entry of a section, or the file of one with the grades of its values."""
    if section not in SECTIONS:
        raise InputError(f"{section}: must be a section of the catalogue: {', '.join(SECTIONS)}")
    entries = getattr(shipped(), section)
    if name is not None:
        if name not in entries:
            close = nearest(name, list(entries))
            raise InputError(f"{name}: must be an entry of {section}{close}; known: {', '.join(entries)}")
        print(entry_text(section, name), end="")
        return
    for entry in entries.values():
        kind = f" ({entry.kind})" if hasattr(entry, "kind") else ""
        print(f"{entry.name}{kind}: {entry.title}")
        if hasattr(entry, "source"):
            print(fill(entry.source, WIDTH, initial_indent="    ", subsequent_indent="    "))


def print_schema() -> None:
    """Print the JSON Schema of a scenario file."""
    schema = schema_json()
    print(schema if isinstance(schema, str) else json.dumps(schema, indent=2))
