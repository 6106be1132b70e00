"""Drones, birds, airplanes and helicopters in thermal and visible video, with a small heat-map network."""
