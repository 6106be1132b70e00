"""Elevation files as terrain: GeoTIFF and DTED, laid into the local east-north-up frame."""
