"""The tracking core: scans in, tracks, threats and alerts out; pure, with no I/O and no clock of its own."""
