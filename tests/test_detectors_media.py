"""Video files: what is in them, and what the error says where one cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import thermal_scene as scene

from detectors.media import MediaError, VideoClip, to_grey


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, still = np.random.default_rng(1), scene.scenery(1)
    path = tmp_path_factory.mktemp("media") / "clip.avi"
    return scene.write_clip(path, [scene.frame(still, rng) for _ in range(12)])


def test_a_clip_gives_its_size_rate_and_frames_in_order(clip: Path) -> None:
    with VideoClip(clip) as video:
        frames = list(video.frames())
        assert video.info == (scene.WIDTH_PX, scene.HEIGHT_PX, scene.FPS_HZ, 12)
        assert video.frames_read == 12
        assert video.frames_missing == 0
    assert [f.number for f in frames] == list(range(12))
    assert [f.t_ns for f in frames] == [round(i * 1e9 / 30.0) for i in range(12)]
    assert all(f.grey.shape == (scene.HEIGHT_PX, scene.WIDTH_PX) and f.grey.dtype == np.uint8 for f in frames)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere\.mp4: no such file"):
        VideoClip(tmp_path / "nowhere.mp4")


def test_a_folder_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not a file"):
        VideoClip(tmp_path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(MediaError, match=r"empty\.mp4: size = 0 bytes: must be a video clip"):
        VideoClip(path)


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8).tobytes())
    with pytest.raises(MediaError, match=r"noise\.mp4: not a video that can be decoded"):
        VideoClip(path)


def test_a_clip_cut_off_gives_what_is_there_and_says_what_is_missing(clip: Path, tmp_path: Path) -> None:
    data = clip.read_bytes()
    path = tmp_path / "cut.avi"
    path.write_bytes(data[: len(data) // 2])
    with VideoClip(path) as video:
        frames = list(video.frames())
        assert 0 < len(frames) < 12
        assert video.info.frame_count in (0, 12, len(frames))  # decoders differ in whether they count without the index
        assert video.frames_missing == max(0, video.info.frame_count - len(frames))


def test_a_clip_without_a_decodable_frame_is_refused(clip: Path, tmp_path: Path) -> None:
    data = clip.read_bytes()
    path = tmp_path / "header_only.avi"
    path.write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(MediaError, match=r"header_only\.avi"), VideoClip(path) as video:
        list(video.frames())


def test_grey_images_stay_as_they_are() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(to_grey(grey), grey)
    assert np.array_equal(to_grey(np.repeat(grey[..., None], 3, axis=2)), grey)
