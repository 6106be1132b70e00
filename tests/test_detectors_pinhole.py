"""The pinhole camera against the geometry it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.media import MediaError
from detectors.pinhole import Pinhole
from messages.frames import body_direction

CAMERA = Pinhole(320, 256, 24.0)


@given(
    x=st.floats(0.0, 320.0),
    y=st.floats(0.0, 256.0),
    hfov_deg=st.floats(1.0, 120.0),
)
def test_pixel_to_angles_and_back(x: float, y: float, hfov_deg: float) -> None:
    camera = Pinhole(320, 256, hfov_deg)
    # Angles carry 1e-16 of relative rounding, amplified by focal length over cos^2: far below a millionth of a pixel.
    assert camera.pixels(camera.angles([x, y])) == pytest.approx([x, y], abs=1e-6)


def test_the_centre_looks_straight_ahead_and_the_edges_at_half_the_field_of_view() -> None:
    assert CAMERA.angles([160.0, 128.0]) == pytest.approx([0.0, 0.0], abs=1e-15)
    right = CAMERA.angles([320.0, 128.0])
    assert np.rad2deg(right) == pytest.approx([12.0, 0.0], abs=1e-12)
    top = CAMERA.angles([160.0, 0.0])
    assert top[0] == pytest.approx(0.0, abs=1e-15)
    assert top[1] == pytest.approx(np.arctan(128.0 / 160.0 * np.tan(np.deg2rad(12.0))), rel=1e-12)
    assert CAMERA.half_fov_rad == pytest.approx((right[0], top[1]), rel=1e-12)


def test_right_is_positive_azimuth_and_up_is_positive_elevation() -> None:
    azimuth, elevation = CAMERA.angles([200.0, 100.0])
    assert azimuth > 0.0
    assert elevation > 0.0


def test_angles_follow_the_shared_definition() -> None:
    """The direction of the angles, intersected with the image plane, is the pixel."""
    point = np.array([37.0, 201.0])
    direction = body_direction(*CAMERA.angles(point))
    plane = direction * CAMERA.focal_px / direction[0]
    assert [160.0 - plane[1], 128.0 - plane[2]] == pytest.approx(point, abs=1e-9)


def test_behind_the_camera_there_is_no_pixel() -> None:
    assert np.isnan(CAMERA.project([[-10.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]])).all()
    assert CAMERA.project([100.0, 0.0, 0.0]) == pytest.approx([160.0, 128.0])


def test_one_pixel_at_the_centre() -> None:
    step = CAMERA.angles([161.0, 128.0]) - CAMERA.angles([160.0, 128.0])
    assert step[0] == pytest.approx(CAMERA.pixel_angle_rad(), rel=1e-12)


@pytest.mark.parametrize("hfov_deg", [0.0, -24.0, 121.0, float("nan")])
def test_an_impossible_field_of_view_is_refused(hfov_deg: float) -> None:
    with pytest.raises(MediaError, match=r"hfov_deg = .*: must be > 0 and <= 120"):
        Pinhole(320, 256, hfov_deg)


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(MediaError, match="image size = 0 x 256"):
        Pinhole(0, 256, 24.0)
