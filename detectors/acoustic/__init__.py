"""Sound into detections: recordings, features, the classifier of one-second windows, bearings, rotor combs."""
