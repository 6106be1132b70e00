"""Benchmark scenes: truth, scans and sensors from a committed parameter file and a seed.

``make_scene("spread_50_50")`` gives the scene in memory, ``write_scene`` its DETECTIONS.csv, SENSORS.yaml,
POSES.csv and TRUTH.csv. The parameters are the YAML files of this folder; nothing here uses the tracker or the
simulator.
"""

from benchmarks.core.scenes.library import load_scene, make_scene, scene_names
from benchmarks.core.scenes.model import Scene
from benchmarks.core.scenes.write import write_scene

__all__ = ["Scene", "load_scene", "make_scene", "scene_names", "write_scene"]
