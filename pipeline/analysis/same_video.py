"""Whether a video is the one that was analysed: boxes drawn on another would look right and be wrong."""

from __future__ import annotations

from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from ground.video.source import VideoSource
from pipeline.analysis.values import VideoFacts


def require_same_video(analysed: VideoFacts, video: VideoSource) -> None:
    """Raise InputError where ``video`` is another one than ``analysed``: of another size, or with other content."""
    size, wanted = (video.info.width, video.info.height), (analysed.width, analysed.height)
    if size != wanted:
        shown = [f"{width}x{height}" for width, height in (size, wanted)]
        raise InputError(
            f"{video.source}: is {shown[0]}, and the video that was analysed is {shown[1]}; is this the same one?"
        )
    try:
        found = fingerprint(video.source)
    except OSError as error:
        raise InputError(f"{video.source}: cannot be read ({error.strerror})") from error
    if analysed.fingerprint and found and found != analysed.fingerprint:
        raise InputError(
            f"{video.source}: has another content than the video that was analysed; give that one, or analyze again"
        )
