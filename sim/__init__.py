"""The world: truth, terrain, weather, propagation physics, sensor models."""
