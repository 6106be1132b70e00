"""Detectors: raw media in, detections in angles out; thermal video by classical image processing."""
