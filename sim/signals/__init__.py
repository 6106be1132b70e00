"""Signals: what the sensors' front ends would deliver, from the same truth as the plot-level models.

Every synthesis is a function of the truth at times, a sensor model, the environment and a generator; it reads no clock
and writes no file (``sim.signals.files`` and ``detectors.clip_writing`` do).
"""
