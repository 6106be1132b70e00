"""Sensor models: from the truth, in a sensor's true pose, to what that sensor would report of it."""
