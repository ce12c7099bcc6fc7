"""One picture of a video, with its place and its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video."""

    index: int
    """0-based position in the video, in the order in which frames are shown."""
    time: float
    """Seconds from the start of the video, from the stream's own time stamps."""
    image: Image
    """uint8 (H, W, 3), RGB. Never written to: it is shared between stages."""
    stored_size: tuple[int, int] | None = None
    """Width and height in pixels, as stored, where they are not those of the video's first picture; it is scaled."""

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"a frame's image is uint8 (H, W, 3), not {self.image.dtype} {self.image.shape}")
