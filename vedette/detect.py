"""``vedette detect``: raw media -> DETECTIONS.csv and the SENSORS.yaml that belongs to it."""

from __future__ import annotations

from pathlib import Path

from rich.progress import Progress as Bar

from detectors.scans import open_thermal_clip
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.sensors_file import write_sensors_yaml
from vedette.errors import InputError


def main(clip: Path, out: Path, hfov_deg: float, *, quiet: bool) -> None:
    """Detect through the clip and say what was found."""
    if not out.parent.is_dir():
        raise InputError(f"--out = {out}: folder {out.parent} does not exist: make it first")
    camera = open_thermal_clip(clip, hfov_deg)
    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task(clip.name, total=camera.frame_count or None)
        scans = []
        for scan in camera.scans():
            scans.append(HeardScan(scan.t_ns, scan))
            bar.advance(task)
    sensors = out.with_name("sensors.yaml")
    write_sensors_yaml(sensors, [camera.description])
    counts = write_detections(out, scans)
    if not quiet:
        print(f"{out}: {sum(counts.values())} detections in {len(scans)} frames; {sensors}: the camera")
        print(f"next: vedette track {out} --sensors {sensors} --out tracks.csv")
