"""The catalogue: sourced types of sensors, targets, platforms, sensor fits and layers of protection, from files here.

A scenario may change single values (``catalogue: {targets: {fpv_analogue: {rcs_dbsm: -15}}}``);
``Catalogue.changed`` gives the catalogue that holds inside that scenario.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

from pydantic import BaseModel, TypeAdapter

from scenarios.document import read
from scenarios.schema import CatalogueChanges
from scenarios.sensors import SensorFit, SensorProfile
from scenarios.types import PlatformType, ProtectionType, TargetType

SECTIONS: dict[str, TypeAdapter[Any]] = {
    "sensors": TypeAdapter(SensorProfile),
    "targets": TypeAdapter(TargetType),
    "platforms": TypeAdapter(PlatformType),
    "fits": TypeAdapter(SensorFit),
    "protection": TypeAdapter(ProtectionType),
}


@dataclass(frozen=True)
class Catalogue:
    """Every type by its name, in alphabetical order."""

    sensors: dict[str, SensorProfile]
    targets: dict[str, TargetType]
    platforms: dict[str, PlatformType]
    fits: dict[str, SensorFit]
    protection: dict[str, ProtectionType]

    def names(self, section: str) -> tuple[str, ...]:
        """Return the names of one section."""
        return tuple(getattr(self, section))

    def changed(self, changes: CatalogueChanges) -> Catalogue:
        """Return the catalogue with a scenario's changes; raises pydantic.ValidationError where one breaks a limit."""
        sections = {s: dict(getattr(self, s)) for s in SECTIONS}
        for section, adapter in SECTIONS.items():
            for name, values in getattr(changes, section).items():
                sections[section][name] = changed_entry(sections[section][name], values, adapter)
        return Catalogue(**sections)


def changed_entry(entry: BaseModel, values: dict[str, Any], adapter: TypeAdapter[Any]) -> Any:
    """Return an entry with some of its values changed (mappings inside it are merged), validated again."""
    return adapter.validate_python(_merged(entry.model_dump(), values))


def _merged(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in values.items():
        inner = out.get(key)
        out[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return out


@functools.cache
def shipped() -> Catalogue:
    """Return the catalogue as shipped with the package."""
    return Catalogue(**{section: _section(section, adapter) for section, adapter in SECTIONS.items()})


def entry_text(section: str, name: str) -> str:
    """Return the file of an entry as shipped, with the grades of its values. Raises KeyError for an unknown one."""
    if section not in SECTIONS or name not in shipped().names(section):
        raise KeyError(name)
    return (resources.files(__package__) / section / f"{name}.yaml").read_text(encoding="utf-8")


def _section(section: str, adapter: TypeAdapter[Any]) -> dict[str, Any]:
    folder = resources.files(__package__) / section
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    entries: dict[str, Any] = {}
    for file in files:
        entry = adapter.validate_python(read(file.read_text(encoding="utf-8")).data)
        if file.name != f"{entry.name}.yaml":
            raise ValueError(f"{section}/{file.name}: name = {entry.name}: must be the file's name")
        entries[entry.name] = entry
    return entries
