"""Sets of motion models that tests of the filter share: white accelerations, and some of them lasting."""

from fusion.config import MotionConfig

WHITE = MotionConfig((0.1, 1.0, 10.0, 40.0), (0.25, 0.3, 0.3, 0.15), correlation_s=())
LASTING = MotionConfig((0.1, 2.0, 24.0, 60.0), (0.35, 0.3, 0.25, 0.1), correlation_s=(0.0, 0.0, 0.6, 1.5))
