"""Bytes that are missing, zeroed or noisy."""

from __future__ import annotations

import wave
from dataclasses import replace

from benchmarks.damage.boxes import boxes, find
from benchmarks.damage.cases import Bench, Case, Verdict, kind
from benchmarks.damage.clips import Look, Piece, dependent_on, pieces_of, times_of
from benchmarks.damage.healthy import EACH_ALONE, FRAGMENTED, FRONT, MATROSKA, PLAIN, TRANSPORT

_EARLY = 0.3
"""Of the pictures: those before are left as they are."""


def _case(bench: Bench, look: Look, content: bytes, broken: set[int], verdict: Verdict = Verdict.NOTED) -> Case:
    source = bench.clips.get(look)
    path = bench.path(f"damaged{look.suffix}")
    path.write_bytes(content)
    sound = frozenset(times_of(look)) - dependent_on(pieces_of(source), broken)
    return Case(str(path), verdict, times_of(look), sound, healthy=source)


def _refused(bench: Bench, content: bytes, name: str = "damaged.mp4") -> Case:
    path = bench.path(name)
    path.write_bytes(content)
    return Case(str(path), Verdict.REFUSED)


def _end(piece: Piece) -> int:
    return piece.position + len(piece.data)


@kind("cut, tables first")
def _cut_front(bench: Bench) -> Case:
    content, pieces = bench.clips.get(FRONT).read_bytes(), pieces_of(bench.clips.get(FRONT))
    at = bench.rng.randrange(_end(pieces[2]), _end(pieces[-1]))
    return _case(bench, FRONT, content[:at], {p.number for p in pieces if _end(p) > at})


@kind("cut between two pictures, tables first")
def _cut_between(bench: Bench) -> Case:
    content, pieces = bench.clips.get(FRONT).read_bytes(), pieces_of(bench.clips.get(FRONT))
    at = _end(bench.rng.choice(pieces[1:-1]))
    return _case(bench, FRONT, content[:at], {p.number for p in pieces if _end(p) > at})


@kind("cut, tables last")
def _cut_last(bench: Bench) -> Case:
    content = bench.clips.get(PLAIN).read_bytes()
    return _refused(bench, content[: bench.rng.randrange(1, find(content, b"moov").start)])


@kind("cut at the end of a box")
def _cut_box(bench: Bench) -> Case:
    content = bench.clips.get(FRONT).read_bytes()
    ends = [box.end for box in boxes(content) if box.end <= find(content, b"mdat").start]
    return _refused(bench, content[: bench.rng.choice(ends)])


def _cut_stream(name: str, look: Look, says_length: bool) -> None:
    """What lacks a table of its pictures: only its length, where it is said, tells how many there were."""

    @kind(f"cut, {name}")
    def _make(bench: Bench) -> Case:
        content, pieces = bench.clips.get(look).read_bytes(), pieces_of(bench.clips.get(look))
        at = bench.rng.randrange(_end(pieces[12]), _end(pieces[-1]))
        broken = {p.number for p in pieces if _end(p) > at}
        case = _case(bench, look, content[:at], broken)
        return case if says_length else replace(case, verdict=Verdict.FINE, is_counted=False)


for _name, _look in {"Matroska": MATROSKA, "transport stream": TRANSPORT, "fragments": FRAGMENTED}.items():
    _cut_stream(_name, _look, _look is MATROSKA)


def _overwritten(name: str, look: Look, zeros: bool) -> None:
    """A decoder may make pictures of it all, each at its time; those that do not come are counted."""

    @kind(f"{'zeros' if zeros else 'noise'} in the pictures, {name}")
    def _make(bench: Bench) -> Case:
        content, pieces = bytearray(bench.clips.get(look).read_bytes()), pieces_of(bench.clips.get(look))
        piece = bench.rng.choice(pieces[int(_EARLY * len(pieces)) :])
        begin = piece.position + bench.rng.randrange(len(piece.data) // 2)
        end = min(begin + bench.rng.choice((40, 400, 4000)), _end(pieces[-1]))
        content[begin:end] = bytes(end - begin) if zeros else bench.rng.randbytes(end - begin)
        broken = {p.number for p in pieces if p.position < end and _end(p) > begin}
        return _case(bench, look, bytes(content), broken)


for _zeros in (True, False):
    _overwritten("MP4", PLAIN, _zeros)


def _filled(name: str, box_name: bytes, zeros: bool) -> None:
    """A box whose content is gone."""

    @kind(name)
    def _make(bench: Bench) -> Case:
        content = bytearray(bench.clips.get(PLAIN).read_bytes())
        box = find(bytes(content), box_name)
        size = box.end - box.start - 8
        content[box.start + 8 : box.end] = bytes(size) if zeros else bench.rng.randbytes(size)
        return _refused(bench, bytes(content))


_filled("all pictures zeroed", b"mdat", zeros=True)
_filled("all pictures noise", b"mdat", zeros=False)
_filled("tables zeroed", b"moov", zeros=True)


@kind("without tables")
def _without(bench: Bench) -> Case:
    content = bench.clips.get(bench.rng.choice((PLAIN, FRONT))).read_bytes()
    box = find(content, b"moov")
    return _refused(bench, content[: box.start] + content[box.end :])


@kind("tables without a track")
def _no_track(bench: Bench) -> Case:
    content = bench.clips.get(PLAIN).read_bytes()
    return _refused(bench, content.replace(b"trak", b"free"))


@kind("no codec of this name")
def _no_codec(bench: Bench) -> Case:
    content = bench.clips.get(PLAIN).read_bytes()
    return _refused(bench, content.replace(b"avc1", bench.rng.choice((b"zzzz", b"\0\0\0\0", b"xyz1")))
                    .replace(b"avcC", b"free"))  # fmt: skip


@kind("empty")
def _empty(bench: Bench) -> Case:
    return _refused(bench, b"", bench.rng.choice(("a.mp4", "a.mkv", "a.ts", "a")))


@kind("zeros alone")
def _zeros_alone(bench: Bench) -> Case:
    return _refused(bench, bytes(bench.rng.choice((1, 1000, 1 << 20))), bench.rng.choice(("a.mp4", "a.ts", "a.avi")))


@kind("noise alone")
def _noise_alone(bench: Bench) -> Case:
    return _refused(bench, b"\1" + bench.rng.randbytes(bench.rng.choice((1, 1000, 1 << 18))), "a.mp4")


@kind("text")
def _text(bench: Bench) -> Case:
    return _refused(
        bench, b"not a video\n" * bench.rng.randrange(1, 900), bench.rng.choice(("a.mp4", "a.txt", "a.mkv"))
    )


@kind("zeros at the beginning")
def _no_head(bench: Bench) -> Case:
    content = bytearray(bench.clips.get(MATROSKA).read_bytes())
    first = pieces_of(bench.clips.get(EACH_ALONE))[0].position
    content[:first] = bytes(first)
    return _refused(bench, bytes(content[: 2 * first]), "a.mkv")


@kind("no video, only sound")
def _sound(bench: Bench) -> Case:
    path = bench.path("a" + bench.rng.choice((".wav", ".mp4")))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bench.rng.randbytes(8000))
    return Case(str(path), Verdict.REFUSED)
