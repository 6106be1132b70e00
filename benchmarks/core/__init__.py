"""The benchmark of the tracking core: seeded scenes, our tracker and its peers side by side, one scoring code for all.

``scenes`` makes truth and detections from physics and chance, without any code of the tracker or the simulator.
"""
