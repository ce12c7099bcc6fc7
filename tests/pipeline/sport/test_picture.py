"""Pictures of any kind are read upright; what is none, or would take too much, is one line."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ground.errors import InputError
from pipeline.sport.picture import MOST_BYTES, decode_picture, is_picture, read_picture_file

_RAMP = np.linspace(0, 255, 40 * 60).reshape(40, 60).astype(np.uint8)


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_the_same_picture(mode: str) -> None:
    if mode == "I;16":
        picture: Any = Image.fromarray(_RAMP.astype(np.uint16) * 257)
    elif mode in ("I", "F"):
        picture = Image.fromarray(_RAMP.astype(np.int32 if mode == "I" else np.float32) * 7 + 3)
    else:
        picture = Image.fromarray(_RAMP).convert(mode)
    kind = "TIFF" if mode in ("CMYK", "F", "I") else "PNG"
    pixels = decode_picture(saved(picture, kind))
    assert pixels.shape == (40, 60, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels[..., 0].astype(int) - _RAMP).max() <= 6


def test_a_picture_is_turned_as_its_camera_was_held() -> None:
    picture = Image.fromarray(_RAMP)
    turned = picture.getexif()
    turned[274] = 6
    assert decode_picture(saved(picture, "JPEG", exif=turned)).shape == (60, 40, 3)


def test_what_is_seen_through_is_paper_and_of_a_film_the_first_picture_counts() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (decode_picture(saved(clear, "PNG")) == 255).all()
    film = [Image.new("L", (8, 8), tone) for tone in (0, 250)]
    assert decode_picture(saved(film[0], "GIF", save_all=True, append_images=film[1:])).max() < 10


def bomb(side: int) -> bytes:
    """A PNG of 1 KB that claims side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("content", [b"", b"text", bytes(MOST_BYTES + 1), bomb(20_000), bomb(60_000)])
def test_what_is_no_picture_or_too_large_is_a_line(content: bytes) -> None:
    with pytest.raises(InputError) as refused:
        decode_picture(content, "x.png")
    assert str(refused.value).startswith("x.png: ") and "\n" not in str(refused.value)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]),
    st.integers(0, 3000),
    st.binary(min_size=0, max_size=6),
    st.booleans(),
)
def test_a_damaged_picture_is_a_line_or_a_picture(kind: str, at: int, bytes_in: bytes, is_cut: bool) -> None:
    whole = saved(Image.fromarray(np.stack([_RAMP] * 3, axis=2)), kind)
    at %= len(whole)
    damaged = whole[:at] + bytes_in + (b"" if is_cut else whole[at + len(bytes_in) :])
    try:
        pixels = decode_picture(damaged)
    except InputError:
        return
    assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8


def test_half_a_jpeg_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    whole = saved(Image.fromarray(noise), "JPEG")
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut off"):
        read_picture_file(tmp_path / "half.jpg")


def test_pictures_are_known_by_what_they_are_not_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(saved(Image.fromarray(_RAMP), "PNG"))
    (tmp_path / "game.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    assert is_picture(tmp_path / "photo") and not is_picture(tmp_path / "game.mp4") and not is_picture(tmp_path)
