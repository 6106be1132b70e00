"""Radio into detections: SigMF recordings, energy in the band, spectrogram features, emitter classes, bearings."""
