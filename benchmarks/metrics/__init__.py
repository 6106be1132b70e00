"""Measures of a tracker against the truth: arrays in, numbers out."""
