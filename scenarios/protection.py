"""From a scenario to the layers of protection of each platform: how long each needs, which sides it covers."""

from __future__ import annotations

from dataclasses import dataclass

from messages.types import Aspect
from scenarios.catalogue import Catalogue
from scenarios.fit import catalogue_of
from scenarios.schema import Protection, ProtectionLayer, Scenario
from scenarios.types import EVERY_ASPECT


@dataclass(frozen=True)
class Layer:
    """One layer of protection with nothing left out: the time it needs from a WARNING on, the sides it covers."""

    name: str
    needs_s: float
    aspects: tuple[Aspect, ...] = EVERY_ASPECT


def protection_layers(scenario: Scenario) -> dict[str, tuple[Layer, ...]]:
    """Return platform id -> its layers, in the order of the scenario; those of the catalogue by rising need of time."""
    catalogue, platoon = catalogue_of(scenario), scenario.platoon
    own = [vehicle.protection for vehicle in platoon.vehicles]
    own += [None] * (platoon.count - len(own))
    return {
        name: _layers(protection or platoon.protection, catalogue)
        for name, protection in zip(platoon.platform_ids(), own, strict=True)
    }


def _layers(protection: Protection | None, catalogue: Catalogue) -> tuple[Layer, ...]:
    if protection is None:
        shipped = [Layer(t.name, t.needs_s, t.aspects) for t in catalogue.protection.values()]
        return tuple(sorted(shipped, key=lambda layer: (layer.needs_s, layer.name)))
    return tuple(_layer(layer, catalogue) for layer in protection.layers)


def _layer(given: ProtectionLayer, catalogue: Catalogue) -> Layer:
    known = catalogue.protection.get(given.name)
    needs_s = given.needs_s if given.needs_s is not None else known.needs_s if known else 0.0
    return Layer(given.name, needs_s, given.aspects or (known.aspects if known else EVERY_ASPECT))
