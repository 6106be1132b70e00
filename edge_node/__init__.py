"""The process on the vehicle: ingest, ordering, journal, health, recording, replay and tables."""
