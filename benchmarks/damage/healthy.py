"""Videos that are odd and whole: every picture comes, at its time, and nothing is said to be missing."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from benchmarks.damage.boxes import boxes, find, patched, with_edit_list
from benchmarks.damage.cases import Bench, Case, Verdict, kind
from benchmarks.damage.clips import FPS, NUM_PICTURES, Look, pieces_of, times_of, write_pieces

PLAIN = Look()
EACH_ALONE = Look(suffix=".mkv", codec="mjpeg", pixels="yuvj420p", key_every=1)
"""No picture needs another."""
MATROSKA = Look(suffix=".mkv")
TRANSPORT = Look(suffix=".ts")
FRONT = Look(file_options={"movflags": "faststart"})
"""Tables first, then the pictures."""
FRAGMENTED = Look(file_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"})
BACKWARD = Look(codec_options={"bf": "2", "preset": "veryfast"})
"""With pictures that need later ones."""
_HDR = {"x265-params": "keyint=10:bframes=0:log-level=none:pools=none:colorprim=bt2020:transfer=smpte2084:"
        "colormatrix=bt2020nc"}  # fmt: skip

_LOOKS = {
    "MP4, tables last": PLAIN,
    "MP4, tables first": FRONT,
    "MP4 in fragments": FRAGMENTED,
    "MP4 with B-frames": BACKWARD,
    "QuickTime": Look(suffix=".mov"),
    "Matroska": MATROSKA,
    "transport stream": TRANSPORT,
    "transport stream with B-frames": replace(BACKWARD, suffix=".ts"),
    "AVI": Look(suffix=".avi", codec="mpeg4"),
    "Flash video": Look(suffix=".flv"),
    "WebM, VP9": Look(suffix=".webm", codec="libvpx-vp9"),
    "WebM, VP8": Look(suffix=".webm", codec="libvpx"),
    "HEVC": Look(codec="libx265"),
    "10 bits, HDR": Look(codec="libx265", pixels="yuv420p10le", codec_options=_HDR),
    "interlaced": Look(suffix=".ts", codec="mpeg2video", interlaced=True),
    "ProRes, 4:2:2 in 10 bits": Look(suffix=".mov", codec="prores_ks", pixels="yuv422p10le", key_every=1),
    "alpha": Look(suffix=".mov", codec="png", pixels="rgba", key_every=1),
    "alpha, run lengths": Look(suffix=".mov", codec="qtrle", pixels="argb"),
    "grey": Look(suffix=".mkv", codec="ffv1", pixels="gray", key_every=1),
    "motion JPEG": EACH_ALONE,
    "odd size": Look(suffix=".mkv", codec="ffv1", pixels="yuv444p", size=(161, 91), key_every=1),
    "sound beside it": Look(has_sound=True),
    "one picture": Look(num_pictures=1),
    "one picture, Matroska": Look(suffix=".mkv", num_pictures=1),
    "every picture a key": Look(key_every=1),
    "one key for all": Look(key_every=1000),
}


def _as_it_is(look: Look) -> Callable[[Bench], Case]:
    def make(bench: Bench) -> Case:
        chosen = look
        if look.num_pictures > 1:
            chosen = replace(look, num_pictures=bench.rng.choice((12, 25, NUM_PICTURES)))
        path = bench.path(f"game{look.suffix}")
        shutil.copyfile(bench.clips.get(chosen), path)
        return Case(str(path), Verdict.FINE, times_of(chosen))

    return make


for _name, _look in _LOOKS.items():
    kind(_name)(_as_it_is(_look))


@kind("rate that varies")
def _varies(bench: Bench) -> Case:
    steps = [bench.rng.choice((20, 33, 40, 67, 120)) for _ in range(NUM_PICTURES)]
    times = tuple(Fraction(sum(steps[:i]), 1000) for i in range(NUM_PICTURES))
    look = Look(suffix=bench.rng.choice((".mp4", ".mkv")), times=times)
    return Case(str(bench.clips.get(look)), Verdict.FINE, times_of(look))


@kind("1000 pictures a second")
def _fast(bench: Bench) -> Case:
    look = Look(suffix=".mkv", times=tuple(Fraction(i, 1000) for i in range(NUM_PICTURES)))
    return Case(str(bench.clips.get(look)), Verdict.FINE, times_of(look))


@kind("a picture every few seconds")
def _slow(bench: Bench) -> Case:
    look = Look(times=tuple(Fraction(i * bench.rng.choice((2, 5))) for i in range(8)), num_pictures=8)
    step = bench.rng.choice((2, 5))
    look = replace(look, times=tuple(Fraction(i * step) for i in range(8)))
    return Case(str(bench.clips.get(look)), Verdict.FINE, times_of(look))


@kind("times that begin late")
def _late(bench: Bench) -> Case:
    return _shifted(bench, bench.rng.choice((1, 60, 7200)), bench.rng.choice((PLAIN, MATROSKA, TRANSPORT)))


@kind("times that begin before 0")
def _negative(bench: Bench) -> Case:
    return _shifted(bench, -bench.rng.choice((1, 2, 5)), bench.rng.choice((MATROSKA, TRANSPORT)))


def _shifted(bench: Bench, seconds: int, look: Look) -> Case:
    source = bench.clips.get(look)
    pieces = pieces_of(source)
    ticks = seconds * {".mp4": 12800, ".mkv": 1000, ".ts": 90000}[look.suffix]
    moved = [replace(p, pts=p.pts + ticks, dts=p.dts + ticks) for p in pieces]
    path = bench.path(f"shifted{look.suffix}")
    write_pieces(path, source, moved, avoid_negative_ts="disabled")
    return Case(str(path), Verdict.FINE, times_of(look))


@kind("edit list that cuts off the beginning")
def _edited(bench: Bench) -> Case:
    skipped = bench.rng.randrange(1, NUM_PICTURES - 5)
    content = bench.clips.get(PLAIN).read_bytes()
    if any(box.name == b"edts" for box in boxes(content)):
        box = find(content, b"edts")
        content = patched(content, box.start + 4, ">4s", b"free")  # type: ignore[arg-type]
    path = bench.path("edited.mp4")
    path.write_bytes(with_edit_list(content, (NUM_PICTURES - skipped) * 40, skipped * 512))
    times = {i: (i - skipped) / FPS for i in range(skipped, NUM_PICTURES)}
    return Case(str(path), Verdict.FINE, times)


@kind("turned")
def _turned(bench: Bench) -> Case:
    """By half a turn, so that the numbers cannot be read where it is not heeded: the bits are then below."""
    content = bench.clips.get(PLAIN).read_bytes()
    matrix = find(content, b"tkhd").start + 8 + 40
    quarter, one = 1 << 30, 1 << 16
    turned = bench.rng.choice(((0, one, 0, -one, 0, 0, 0, 0, quarter), (-one, 0, 0, 0, -one, 0, 0, 0, quarter)))
    path = bench.path("turned.mp4")
    path.write_bytes(patched(content, matrix, ">9i", *turned))
    return Case(str(path), Verdict.FINE, times_of(PLAIN), sound=frozenset())


def _claim(name: str, box: bytes, offset: int, layout: str, values: tuple[tuple[int, ...], ...]) -> None:
    @kind(f"absurd claim: {name}")
    def _make(bench: Bench) -> Case:
        content = bench.clips.get(PLAIN).read_bytes()
        path = bench.path("claim.mp4")
        path.write_bytes(patched(content, find(content, box).start + offset, layout, *bench.rng.choice(values)))
        healthy = bench.clips.get(PLAIN)
        return Case(str(path), Verdict.FINE, times_of(PLAIN), is_counted=False, healthy=healthy)


_BIG = ((0xFFFFFFFF,), (0x7FFFFFFF,), (0,), (1,))
_claim("duration of the file", b"mvhd", 24, ">I", _BIG)
_claim("duration of the track", b"tkhd", 28, ">I", _BIG)
_claim("size of the track", b"tkhd", 84, ">II", ((0, 0), (0xFFFF0000, 0xFFFF0000), (65536, 0x7FFF0000)))
_claim("size of the picture", b"stsd", 48, ">HH", ((0, 0), (65535, 65535), (1, 1), (16384, 16384)))


@kind("boxes that nobody knows")
def _unknown_boxes(bench: Bench) -> Case:
    content = bench.clips.get(PLAIN).read_bytes()
    more = struct.pack(">I4s", 8 + 999, b"zzzz") + bench.rng.randbytes(999)
    path = bench.path("unknown.mp4")
    path.write_bytes(content + more * bench.rng.randrange(1, 4))
    return Case(str(path), Verdict.FINE, times_of(PLAIN))


@kind("rubbish after the end")
def _rubbish(bench: Bench) -> Case:
    content = bench.clips.get(PLAIN).read_bytes()
    path = bench.path("rubbish.mp4")
    path.write_bytes(content + bench.rng.randbytes(bench.rng.choice((1, 7, 5000))))
    return Case(str(path), Verdict.FINE, times_of(PLAIN))


@kind("wrong extension")
def _extension(bench: Bench) -> Case:
    look = bench.rng.choice((PLAIN, MATROSKA, TRANSPORT, Look(suffix=".avi", codec="mpeg4")))
    path = bench.path("game" + bench.rng.choice((".txt", ".mp3", ".mkv", ".avi", ".mov", ".dat", "", ".srt", ".wav")))
    shutil.copyfile(bench.clips.get(look), path)
    return Case(str(path), Verdict.FINE, times_of(look))


@kind("very long path")
def _long(bench: Bench) -> Case:
    folder = bench.folder.joinpath(*["x" * 200] * bench.rng.randrange(3, 12))
    folder.mkdir(parents=True)
    path = folder / ("y" * 240 + ".mp4")
    shutil.copyfile(bench.clips.get(PLAIN), path)
    return Case(str(path), Verdict.FINE, times_of(PLAIN))


@kind("name that is not ASCII")
def _name_of_file(bench: Bench) -> Case:
    names = ("игра", "試合", "jeu é", "🏀", "k\u0301e", "a\nb", "%03d", "a*b?", "[a]", "a:b", "\u202ea", "-i")
    path = bench.path(f"{bench.rng.choice(names)}.mp4")
    shutil.copyfile(bench.clips.get(PLAIN), path)
    return Case(str(path), Verdict.FINE, times_of(PLAIN))


@kind("link to a file")
def _link(bench: Bench) -> Case:
    path = bench.path("link.mp4")
    path.symlink_to(bench.clips.get(PLAIN))
    return Case(str(path), Verdict.FINE, times_of(PLAIN))
