"""Plain files in and out: detections, sensors, poses, tracks and alerts as CSV, Parquet and YAML."""
