"""Packets dropped, doubled and swapped; times that go back or jump; what changes midway."""

from __future__ import annotations

import struct
from dataclasses import replace

from benchmarks.damage.boxes import find
from benchmarks.damage.cases import Bench, Case, Verdict, kind
from benchmarks.damage.clips import FPS, KEY_EVERY, NUM_PICTURES, Look, dependent_on, pieces_of, times_of, write_pieces
from benchmarks.damage.healthy import EACH_ALONE, MATROSKA, PLAIN, TRANSPORT

_MJPEG = replace(EACH_ALONE, suffix=".mov")


@kind("packets dropped, each picture alone")
def _dropped(bench: Bench) -> Case:
    gone = set(bench.rng.sample(range(1, NUM_PICTURES - 1), bench.rng.randrange(1, 8)))
    return _without(bench, bench.rng.choice((EACH_ALONE, _MJPEG)), gone)


@kind("packets dropped, key and all that need it")
def _dropped_groups(bench: Bench) -> Case:
    first = KEY_EVERY * bench.rng.randrange(1, NUM_PICTURES // KEY_EVERY - 1)
    look = bench.rng.choice((MATROSKA, PLAIN, TRANSPORT))
    return _without(bench, look, set(range(first, first + KEY_EVERY)))


@kind("packets dropped, others need them")
def _dropped_needed(bench: Bench) -> Case:
    gone = set(bench.rng.sample([i for i in range(1, NUM_PICTURES - 1) if i % KEY_EVERY], 3))
    return _without(bench, bench.rng.choice((MATROSKA, PLAIN, TRANSPORT)), gone)


@kind("last packets dropped")
def _dropped_last(bench: Bench) -> Case:
    """A file that ends earlier and says so: nothing is missing in it."""
    num = bench.rng.randrange(1, 20)
    look = bench.rng.choice((MATROSKA, PLAIN, TRANSPORT))
    source, path = bench.clips.get(look), bench.path(f"short{look.suffix}")
    write_pieces(path, source, pieces_of(source)[:-num])
    return Case(str(path), Verdict.FINE, {i: i / FPS for i in range(NUM_PICTURES - num)})


def _without(bench: Bench, look: Look, gone: set[int]) -> Case:
    source, path = bench.clips.get(look), bench.path(f"dropped{look.suffix}")
    pieces = pieces_of(source)
    write_pieces(path, source, [p for p in pieces if p.number not in gone])
    sound = frozenset(times_of(look)) - dependent_on(pieces, gone)
    return Case(str(path), Verdict.NOTED, times_of(look), sound, healthy=source)


@kind("no key picture first")
def _headless(bench: Bench) -> Case:
    look = bench.rng.choice((MATROSKA, TRANSPORT))
    source, path = bench.clips.get(look), bench.path(f"headless{look.suffix}")
    num = bench.rng.randrange(1, KEY_EVERY)
    write_pieces(path, source, pieces_of(source)[num:])
    times = {i: (i - num) / FPS for i in range(num, NUM_PICTURES)}
    return Case(str(path), Verdict.NOTED, times, frozenset(range(KEY_EVERY, NUM_PICTURES)), healthy=source)


@kind("no key picture at all")
def _no_key(bench: Bench) -> Case:
    source = bench.clips.get(replace(MATROSKA, key_every=1000))
    path = bench.path("no_key.mkv")
    write_pieces(path, source, pieces_of(source)[bench.rng.randrange(1, 9) :])
    return Case(str(path), Verdict.REFUSED)


@kind("packets doubled")
def _doubled(bench: Bench) -> Case:
    """At the same time: a picture that is there twice is shown once more, a period later at most."""
    source, path = bench.clips.get(EACH_ALONE), bench.path("doubled.mkv")
    twice = bench.rng.randrange(2, NUM_PICTURES)
    pieces = [q for p in pieces_of(source) for q in ([p, p] if p.number == twice else [p])]
    write_pieces(path, source, pieces)
    return Case(str(path), Verdict.NOTED, times_of(EACH_ALONE), is_counted=False, healthy=source)


@kind("packets swapped")
def _swapped(bench: Bench) -> Case:
    """The data of two change places, their times do not: the pictures come in the other order."""
    source, path = bench.clips.get(EACH_ALONE), bench.path("swapped.mkv")
    pieces, at = pieces_of(source), bench.rng.randrange(1, NUM_PICTURES - 1)
    one, other = pieces[at], pieces[at + 1]
    pieces[at : at + 2] = [replace(one, data=other.data), replace(other, data=one.data)]
    write_pieces(path, source, pieces)
    times = times_of(EACH_ALONE)
    return Case(str(path), Verdict.FINE, {**times, at: times[at + 1], at + 1: times[at]})


@kind("times that jump by hours")
def _jump(bench: Bench) -> Case:
    look = bench.rng.choice((MATROSKA, PLAIN))
    source, path = bench.clips.get(look), bench.path(f"jump{look.suffix}")
    at, hours = bench.rng.randrange(5, NUM_PICTURES - 5), bench.rng.randrange(1, 9)
    ticks = hours * 3600 * {".mp4": 12800, ".mkv": 1000}[look.suffix]
    moved = [replace(p, pts=p.pts + ticks, dts=p.dts + ticks) if p.number >= at else p for p in pieces_of(source)]
    write_pieces(path, source, moved)
    times = {i: time + (3600.0 * hours if i >= at else 0.0) for i, time in times_of(look).items()}
    return Case(str(path), Verdict.NOTED, times, is_counted=False, healthy=source)


@kind("times that go back")
def _back(bench: Bench) -> Case:
    """Two streams one after the other: the second goes on where the first one ends."""
    source, path = bench.clips.get(TRANSPORT), bench.path("back.ts")
    path.write_bytes(source.read_bytes() * 2)
    return Case(str(path), Verdict.NOTED, {i: i / FPS for i in range(NUM_PICTURES)}, frozenset(range(20)),
                is_counted=False)  # fmt: skip


@kind("steps of no time")
def _no_steps(bench: Bench) -> Case:
    """Some steps of the table of times are 0: those pictures follow at the usual rate."""
    content = bench.clips.get(PLAIN).read_bytes()
    table = find(content, b"stts")
    entry = struct.pack(">I4sIIII", 24, b"stts", 0, 1, NUM_PICTURES, 0)
    path = bench.path("still.mp4")
    path.write_bytes(content[: table.start] + entry + content[table.end :])
    return Case(str(path), Verdict.NOTED, dict.fromkeys(range(NUM_PICTURES), 0.0), frozenset({0}), is_counted=False)


@kind("size changes midway")
def _size(bench: Bench) -> Case:
    return _joined(bench, TRANSPORT, replace(TRANSPORT, size=bench.rng.choice(((160, 90), (640, 360), (480, 270)))))


@kind("pixel format changes midway")
def _pixels(bench: Bench) -> Case:
    return _joined(bench, TRANSPORT, replace(TRANSPORT, pixels=bench.rng.choice(("yuv444p", "yuv422p"))))


def _joined(bench: Bench, first: Look, second: Look) -> Case:
    """The second stream's times follow the first one's; the numbers of its pictures begin anew."""
    path = bench.path("changed.ts")
    one, other = bench.clips.get(first), bench.clips.get(second)
    later = bench.path("later.ts")
    offset = 90000 * NUM_PICTURES // FPS
    write_pieces(later, other, [replace(p, pts=p.pts + offset, dts=p.dts + offset) for p in pieces_of(other)],
                 mpegts_copyts="1")  # fmt: skip
    path.write_bytes(one.read_bytes() + later.read_bytes())
    later.unlink()
    times = {i: i / FPS for i in range(2 * NUM_PICTURES)}
    verdict = Verdict.NOTED if first.size != second.size else Verdict.FINE
    return Case(str(path), verdict, times, frozenset(range(NUM_PICTURES)), is_counted=False)
