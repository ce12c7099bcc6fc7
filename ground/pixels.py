"""Pictures that claim to be larger than any camera's are refused by what they claim, before memory is taken."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ground.errors import InputError

MOST_PIXELS = 1 << 27
"""Of one picture: more than 15360x8640 has, which fills 400 MB."""
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def require_size(what: str | Path, width: int, height: int) -> None:
    """Raise InputError where a picture of ``what`` has more than ``MOST_PIXELS``."""
    if width * height > MOST_PIXELS:
        raise InputError(f"{what}: claims pictures of more than {MOST_PIXELS:,} pixels, which no camera makes")


def read_picture(path: Path) -> npt.NDArray[np.uint8] | None:
    """BGR uint8 (H, W, 3), turned as it is to be shown; None where it cannot be read, or only a part of it.

    Raises InputError where it claims too many pixels.
    """
    require_size(path, *_claimed_size(path))
    try:
        data = np.fromfile(path, np.uint8)
        bgr = None if _is_cut_off(data) else cv2.imdecode(data, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if bgr is None else np.asarray(bgr, np.uint8)


def _claimed_size(path: Path) -> tuple[int, int]:
    """Width and height by the header; zeros where it is of a kind that only OpenCV knows, which has a limit, too."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes, and about what is odd in a header
        try:
            with Image.open(path) as picture:
                return picture.size
        except Image.DecompressionBombError:
            return MOST_PIXELS + 1, 1
        except Exception:  # noqa: BLE001 (Pillow's readers raise anything; OpenCV says whether it is a picture)
            return 0, 0


def _is_cut_off(data: npt.NDArray[np.uint8]) -> bool:
    """Whether a file is empty or a JPEG without its end, which OpenCV would fill with grey."""
    return not len(data) or (data[:2].tobytes() == _JPEG_START and _JPEG_END not in data[len(data) // 2 :].tobytes())
