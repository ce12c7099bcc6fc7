"""Decoded pictures to arrays."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from ground.frames import Image
from ground.video.info import VideoInfo

_UNSPECIFIED = 2
"""AVCOL_SPC_UNSPECIFIED: the video does not say by which matrix its colours are coded."""


class Converter:
    """Decoded pictures to read-only RGB arrays of one size."""

    def __init__(self, info: VideoInfo) -> None:
        self.size = _stored_size(info)
        self._info = info
        self._reformatter = VideoReformatter()
        self.notes: list[str] = []

    def __call__(self, picture: VideoFrame, time: float) -> Image:
        """The picture shown at ``time`` (seconds)."""
        width, height = self.size
        if (picture.width, picture.height) != self.size and not self.notes:
            self.notes.append(note_on_size(self._info, (picture.width, picture.height), time))
        # Players take high definition of unknown matrix for BT.709; FFmpeg would take it for BT.601.
        unknown_hd = picture.colorspace == _UNSPECIFIED and height >= 720
        rgb = self._reformatter.reformat(
            picture, width, height, "rgb24", src_colorspace=Colorspace.ITU709 if unknown_hd else None
        )
        image = self._info.orientation.apply(np.asarray(rgb.to_ndarray(), np.uint8))
        image.flags.writeable = False
        return image


def note_on_size(info: VideoInfo, size: tuple[int, int], time: float) -> str:
    """What to say of pictures that are stored as ``size`` (width, height) from ``time`` on."""
    width, height = _stored_size(info)
    sizes = f"{width}x{height} to {size[0]}x{size[1]}"
    return f"the pictures change their size from {sizes} at {time:.3f} s; they are scaled to the first"


def _stored_size(info: VideoInfo) -> tuple[int, int]:
    return (info.height, info.width) if info.orientation.is_transposed else (info.width, info.height)
