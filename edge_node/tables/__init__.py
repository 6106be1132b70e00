"""Plain files in and out: detections, sensors, poses, tracks and alerts as CSV, Parquet and YAML.

``track_files`` is imported by its own name: it needs the tracker, whose kernels take time to load.
"""

from edge_node.tables.alerts_file import AlertTable, read_alerts, write_alerts
from edge_node.tables.detections_file import HeardScan, read_detections
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.errors import TableError
from edge_node.tables.poses_file import read_poses, write_poses
from edge_node.tables.sensors_file import SensorsFile, read_sensors_yaml, write_sensors_yaml
from edge_node.tables.tracks_file import TrackTable, read_tracks, track_table, write_tracks

__all__ = [
    "AlertTable",
    "HeardScan",
    "SensorsFile",
    "TableError",
    "TrackTable",
    "read_alerts",
    "read_detections",
    "read_poses",
    "read_sensors_yaml",
    "read_tracks",
    "track_table",
    "write_alerts",
    "write_detections",
    "write_poses",
    "write_sensors_yaml",
    "write_tracks",
]
