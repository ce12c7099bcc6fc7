"""A picture from anybody, opened safely: what it claims is looked at before memory is taken for it."""

from __future__ import annotations

import hashlib
import importlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.pixels import require_size
from pipeline.sport.limits import MOST_BYTES

Picture = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), RGB, turned as it is to be shown."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""That are read: what cameras and browsers write. Others' readers are not let near files of strangers."""
_READERS = ("Bmp", "Gif", "Jpeg", "Png", "Ppm", "Tiff", "WebP")
_SIDE = 1024
"""A JPEG is decoded at a half, a quarter or an eighth of its size as long as no side falls under it."""
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes of one channel with more than eight bits."""
_BEHIND = (255, 255, 255)
"""What is seen through a picture: paper."""


def read_picture_file(path: Path, name: str = "") -> Picture:
    """name: what messages call it; empty: its path.

    Raises InputError where the file is missing, too large, or no whole picture of a kind that is read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{name or path}: cannot be read ({reason})") from error
    return decode_picture(content, name or str(path))


def decode_picture(content: bytes, name: str = "the picture") -> Picture:
    """The first picture in a file. name: what messages call it. Raises InputError as ``read_picture_file``."""
    if len(content) > MOST_BYTES:
        raise InputError(f"{name}: is larger than {MOST_BYTES >> 20} MB; make it smaller")
    if not content:
        raise InputError(f"{name}: is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes, which are looked at here, and about odd headers
        return _decode(content, name)


def _decode(content: bytes, name: str) -> Picture:
    # Each reader by its name: what Pillow loads of itself lacks some, and all of them take their time.
    from PIL import Image

    for reader in _READERS:
        importlib.import_module(f"PIL.{reader}ImagePlugin")

    try:
        picture: Any = Image.open(io.BytesIO(content), formats=_FORMATS)
        require_size(name, *picture.size)
        if picture.format == "JPEG":
            picture.draft(None, (_SIDE, _SIDE))
        picture.load()
        return _rgb(picture)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: claims to be larger than any camera's picture; make it smaller") from error
    except Image.UnidentifiedImageError as error:
        kinds = "JPEG, PNG, WebP, GIF, BMP or TIFF"
        raise InputError(f"{name}: is no picture that can be read; save it as {kinds}") from error
    except MemoryError as error:
        raise InputError(f"{name}: there is not enough memory for it; make it smaller") from error
    except Exception as error:  # readers of broken files raise anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{name}: is damaged or cut off ({reason}); save it again") from error


def _rgb(picture: Any) -> Picture:
    """Any of Pillow's modes, turned upright, over white where it can be seen through."""
    from PIL import Image, ImageOps

    if picture.mode in _DEEP:
        picture = _eight_bits(picture)
    picture = ImageOps.exif_transpose(picture)
    if "A" in picture.getbands() or "transparency" in picture.info:
        over = Image.new("RGBA", picture.size, (*_BEHIND, 255))
        picture = Image.alpha_composite(over, picture.convert("RGBA"))
    rgb = np.asarray(picture.convert("RGB"))
    if not rgb.size:
        raise ValueError("it has no pixels")
    return rgb


def _eight_bits(picture: Any) -> Any:
    """A picture of 16 or 32 bits or of floats, from its darkest to its brightest: what it may hold nobody says."""
    from PIL import Image

    deep = np.nan_to_num(np.asarray(picture).astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(deep.min()), float(deep.max())
    shallow: Any = Image.fromarray(((deep - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint8))
    shallow.info.update(picture.info)
    shallow.getexif().update(picture.getexif())
    return shallow


def pixels_id(picture: Picture) -> str:
    """16 hex digits of the SHA-256 of what is seen: the same for one picture in two files, as after a copy without
    its metadata."""
    digest = hashlib.sha256(f"{picture.shape}\0".encode())
    digest.update(np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()[:16]


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture does, or is called one; a folder is none."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError):
        return path.suffix.lower() in _NAMES and not path.is_dir()
    return (
        head.startswith(_BEGINNINGS)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (path.suffix.lower() in _NAMES)
    )


_NAMES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
