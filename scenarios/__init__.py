"""Scenario schema, loader, and the library of scenarios and of sensor, target and platform catalogues."""
