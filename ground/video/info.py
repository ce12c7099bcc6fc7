"""What is known of a video before its frames are read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ground.video.orientation import Orientation


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video says about itself, as far as its first frames bear it out."""

    width: int
    """Pixels, as shown."""
    height: int
    """Pixels, as shown."""
    frame_rate: Fraction
    """Usual frames per second, measured. True times are those of the frames; the rate may vary."""
    duration: float | None
    """Seconds from the start of the video to the end of its last frame, as claimed; None: unknown."""
    num_frames_claimed: int
    """What the container claims, which may be more than can be shown; 0: it claims nothing."""
    codec: str
    orientation: Orientation
    """How the stored pictures are turned and mirrored to be shown."""
    has_audio: bool
    time_base: Fraction
    """Seconds per tick of the stream's time stamps."""
    sample_aspect_ratio: Fraction
    """Width to height of a pixel, as shown. Pixels are given as they are stored, not stretched."""
    notes: tuple[str, ...] = ()
    """What is odd about the source as a whole, a line each."""
