"""Propagation physics: pure functions of arrays, each equation with its source; no state, no chance."""
