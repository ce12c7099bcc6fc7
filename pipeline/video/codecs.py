"""Which of the codecs that matter this machine's FFmpeg has."""

from __future__ import annotations

from typing import Literal

import av.codec

_NEEDED: dict[str, tuple[str, Literal["r", "w"]]] = {
    "read H.264": ("h264", "r"),
    "read H.265": ("hevc", "r"),
    "read VP9": ("vp9", "r"),
    "read AV1": ("av1", "r"),
    "write H.264": ("libx264", "w"),
    "write AAC": ("aac", "w"),
}


def codec_support() -> dict[str, bool]:
    """What can be read and written -> whether it can be here."""
    return {what: _has(name, mode) for what, (name, mode) in _NEEDED.items()}


def _has(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        av.codec.Codec(name, mode)
    except av.codec.codec.UnknownCodecError:
        return False
    return True
