"""Whatever the sound is, the video is written: every layout, codec and order, and broken sound."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ground.video.source import open_video
from pipeline.video import sound
from pipeline.video.encode import write_video
from tests.conftest import Once

RATE, SECONDS, BEEP = 25, 2, 1.0
SHORT, SOON = 1, 0.4
"""Seconds, and of them until the tone, where it is about many layouts and codecs: FFmpeg makes tones slowly."""


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def tones(
    channels: int, rate: int = 48000, delay: float = 0.0, *, seconds: float = SECONDS, beep: float = BEEP
) -> list[str]:
    """FFmpeg's input of silence and then, from ``beep`` on, a tone in every channel."""
    wave = "|".join([f"0.5*gte(t,{beep})*sin(2*PI*500*t)"] * channels)
    return ["-itsoffset", str(delay), "-f", "lavfi", "-i", f"aevalsrc='{wave}':s={rate}:d={seconds}"]


def pictures(seconds: float = SECONDS) -> list[str]:
    return ["-f", "lavfi", "-i", f"color=gray:s=64x48:r={RATE}:d={seconds}"]


def add_sound(source: Path, output: Path, start: float = 0.0, end: float = float("inf")) -> list[str]:
    with open_video(source, start or None, None if end == float("inf") else end) as video:
        frames = ((frame.time, frame.image) for frame in video)
        rate = video.info.frame_rate
        return write_video(output, frames, frame_rate=rate, audio_from=source, start=start, end=end)


def write_sources(kinds: Mapping[Path, tuple[Sequence[str], Sequence[str]]], seconds: float = SECONDS) -> None:
    """By file: the input of its sound, and its codecs. In one process, as each takes longer to start than to work."""
    inputs, outputs = pictures(seconds), list[object]()
    for number, (path, (tone, codecs)) in enumerate(kinds.items(), 1):
        inputs += tone
        outputs += ["-map", "0:v", "-map", f"{number}:a", *codecs, path]
    ffmpeg(*inputs, *outputs)


def loudness(path: Path) -> tuple[float, np.ndarray]:
    """Seconds at which sound is first heard, and from there on its mean size by channel, as FFmpeg hears it."""
    return loudnesses([path])[0]


def loudnesses(paths: Sequence[Path]) -> list[tuple[float, np.ndarray]]:
    """The ``loudness`` of each, by one process."""
    inputs, outputs = list[object](), list[object]()
    waves = [path.with_suffix(".wav") for path in paths]
    for number, (path, wave) in enumerate(zip(paths, waves, strict=True)):
        inputs += ["-i", path]
        outputs += ["-map", f"{number}:a", "-af", "aresample=48000:async=1:first_pts=0", "-c:a", "pcm_f32le", wave]
    ffmpeg(*inputs, *outputs)
    return list(map(_heard, waves))


def _heard(path: Path) -> tuple[float, np.ndarray]:
    header, _, data = path.read_bytes().partition(b"data")
    path.unlink()
    wave = np.frombuffer(data[4:], np.float32).reshape(-1, int.from_bytes(header[22:24], "little"))
    heard = np.flatnonzero(np.abs(wave).max(axis=1) > 0.1)
    assert len(heard), f"there is no sound in {path.stem}"
    return heard[0] / 48000, np.abs(wave[heard[0] :]).mean(axis=0)


def assert_whole(path: Path, num_frames: int = RATE * SECONDS) -> None:
    with open_video(path) as video:
        assert sum(1 for _ in video) == num_frames and not video.notes


def _codecs(of_sound: str) -> list[str]:
    return ["-c:v", "mpeg4", "-c:a", of_sound]


_MPEG4 = _codecs("pcm_s16le")
LAYOUTS = [
    "mono", "FL", "LFE", "stereo", "FC+LFE", "2.1", "3.0", "3.0(back)", "quad", "4.0", "3.1", "5.0", "5.1", "5.1(side)",
    "hexagonal", "6.1", "7.0", "7.1", "7.1(wide)", "octagonal", "hexadecagonal",
]  # fmt: skip


@pytest.mark.slow
def test_sound_of_every_layout(tmp_path: Path) -> None:
    sources = {tmp_path / f"{number}.mov": layout for number, layout in enumerate(LAYOUTS)}
    write_sources({path: (_tone_in(layout), _MPEG4) for path, layout in sources.items()}, SHORT)
    made = [path.with_suffix(".mp4") for path in sources]
    for source, video in zip(sources, made, strict=True):
        assert add_sound(source, video) == [], sources[source]
        assert_whole(video, RATE * SHORT)
    for layout, (begin, heard) in zip(LAYOUTS, loudnesses(made), strict=True):
        assert begin == pytest.approx(SOON, abs=0.03) and heard.max() > 0.05, layout


def _tone_in(layout: str) -> list[str]:
    count = 1 if layout in ("FL", "LFE") else 2 if layout == "FC+LFE" else av.AudioLayout(layout).nb_channels
    wave = "|".join([f"0.5*gte(t,{SOON})*sin(2*PI*500*t)"] * count)
    return ["-f", "lavfi", "-i", f"aevalsrc='{wave}':s=48000:d={SHORT}:c={layout}"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_sound_that_names_no_layout(tmp_path: Path, suffix: str) -> None:
    counts = (1, 2, 3, 4, 6, 7, 8, 11, 16)
    sources = {tmp_path / f"{count}.{suffix}": count for count in counts}
    rates = {count: 48000 if count < 16 else 8000 for count in counts}  # FFmpeg gives so many sample by sample
    tone = {count: tones(count, rates[count], seconds=SHORT, beep=SOON) for count in counts}
    write_sources({path: (tone[count], _MPEG4) for path, count in sources.items()}, SHORT)
    made = [path.with_suffix(".mp4") for path in sources]
    for source, video in zip(sources, made, strict=True):
        assert add_sound(source, video) == [], source.name
        assert_whole(video, RATE * SHORT)
    for count, (begin, heard) in zip(counts, loudnesses(made), strict=True):
        assert begin == pytest.approx(SOON, abs=0.03), count
        assert len(heard) == (count if count in (1, 2, 3, 4, 5, 6, 8) else 2), count


CODECS = [
    ("adpcm_ima_wav", 11025, 1, "avi"), ("adpcm_ms", 22050, 2, "avi"), ("pcm_alaw", 8000, 1, "mkv"),
    ("pcm_mulaw", 8000, 1, "mov"), ("wmav2", 44100, 2, "wmv"), ("pcm_s16le", 48000, 2, "mxf"),
    ("pcm_s24le", 96000, 2, "mov"), ("pcm_f32le", 192000, 2, "mov"), ("pcm_u8", 11025, 1, "avi"),
    ("pcm_s32le", 48000, 2, "mov"), ("pcm_f64le", 48000, 2, "mov"), ("mp2", 48000, 2, "ts"), ("aac", 48000, 2, "ts"),
    ("aac", 44100, 6, "mp4"), ("ac3", 48000, 6, "mkv"), ("eac3", 48000, 2, "mkv"), ("libmp3lame", 22050, 1, "avi"),
    ("libvorbis", 44100, 2, "webm"), ("libopus", 48000, 2, "webm"), ("flac", 96000, 2, "mkv"),
    ("alac", 44100, 2, "mov"), ("pcm_s16be", 44100, 2, "mov"),
    ("nellymoser", 11025, 1, "flv"), ("truehd", 48000, 2, "mkv"), ("dca", 48000, 2, "mkv"),
    ("wavpack", 48000, 2, "mkv"), ("tta", 44100, 2, "mkv"), ("amr_nb", 8000, 1, "3gp"), ("pcm_s16le", 6000, 1, "mkv"),
]  # fmt: skip


@pytest.mark.slow
def test_sound_of_every_codec(tmp_path: Path) -> None:
    listed = subprocess.run(["ffmpeg", "-v", "error", "-encoders"], capture_output=True, text=True, check=True).stdout
    known = {line.split()[1] for line in listed.splitlines() if line.startswith(" A")}
    kinds = {tmp_path / f"{i}.{kind[-1]}": kind for i, kind in enumerate(CODECS) if kind[0] in known}
    videos = {"webm": "libvpx", "wmv": "wmv2", "mxf": "mpeg2video", "flv": "flv"}
    sources = {
        path: (
            tones(channels, rate, seconds=SHORT, beep=SOON),
            ["-c:v", videos.get(suffix, "mpeg4"), "-c:a", codec, "-strict", "-2"],
        )
        for path, (codec, rate, channels, suffix) in kinds.items()
    }
    write_sources(sources, SHORT)
    made = [path.with_suffix(".out.mp4") for path in kinds]
    for source, path in zip(kinds, made, strict=True):
        assert add_sound(source, path) == [], kinds[source]
        with open_video(path) as video:
            assert not video.notes and sum(1 for _ in video) >= RATE * SHORT - 1, kinds[source]
    for kind, (begin, heard) in zip(kinds.values(), loudnesses(made), strict=True):
        assert begin == pytest.approx(SOON, abs=0.1) and len(heard) == kind[2], kind
    if missing := {codec for codec, *_ in CODECS} - known:
        pytest.skip(f"this FFmpeg does not write {', '.join(missing)}")


@pytest.mark.slow
def test_sound_keeps_its_place(tmp_path: Path) -> None:
    kinds = [("pcm_s16le", 0.0), ("aac", 0.0), ("pcm_s16le", 0.4), ("aac", 0.4), ("mp2", -0.3)]
    sources = {tmp_path / f"{codec} {delay}.mkv": (codec, delay) for codec, delay in kinds}
    write_sources({path: (tones(1, delay=kind[1]), _codecs(kind[0])) for path, kind in sources.items()})
    expected: dict[Path, float] = {}
    for source, (_, delay) in sources.items():
        first = 0.0 if delay >= 0 else -delay  # a negative delay makes the pictures begin later
        for start, end in ((0.5, 1.5), (0.5, float("inf")), (0.98, 2.0)):
            path = tmp_path / f"{source.stem} from {start} to {end}.mp4"
            add_sound(source, path, start, end)
            expected[path] = max(0.0, BEEP + delay + first - start)
    for (path, begin), (found, _) in zip(expected.items(), loudnesses(list(expected)), strict=True):
        assert found == pytest.approx(begin, abs=0.04), path.stem


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 6])
def test_sound_that_is_shorter_or_longer(tmp_path: Path, seconds: float) -> None:
    tone = ["-f", "lavfi", "-i", f"sine=500:d={seconds}"]
    ffmpeg(*pictures(), *tone, "-c:v", "mpeg4", "-c:a", "pcm_s16le", tmp_path / "a.mov")
    assert add_sound(tmp_path / "a.mov", tmp_path / "v.mp4") == []
    assert_whole(tmp_path / "v.mp4")
    assert add_sound(tmp_path / "a.mov", tmp_path / "late.mp4", 1.0, 2.0) == []
    assert_whole(tmp_path / "late.mp4", RATE)
    with av.open(str(tmp_path / "late.mp4")) as container:
        assert bool(container.streams.audio) == (seconds > 1) and (container.duration or 0) <= 1.05e6


def test_a_clock_that_runs_away_does_not_make_the_video_longer(tmp_path: Path) -> None:
    """FFmpeg writes this codec into AVI with a step of minutes between packets."""
    ffmpeg(*pictures(), *tones(1, 8000), "-c:v", "mpeg4", "-c:a", "g726", tmp_path / "a.avi")
    add_sound(tmp_path / "a.avi", tmp_path / "v.mp4")
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert (container.duration or 0) <= (SECONDS + 1.1) * 1e6


@pytest.mark.slow
def test_pauses_stay_pauses(tmp_path: Path) -> None:
    """Sound whose middle is missing is heard where it was, and not earlier."""
    ffmpeg(*pictures(), *tones(1), "-c:v", "mpeg4", "-c:a", "pcm_s16le", tmp_path / "whole.mkv")
    select = "aselect='not(between(t,0.2,0.8))'"
    ffmpeg("-i", tmp_path / "whole.mkv", "-c:v", "copy", "-af", select, "-c:a", "pcm_s16le", tmp_path / "a.mkv")
    assert add_sound(tmp_path / "a.mkv", tmp_path / "v.mp4") == []
    assert loudness(tmp_path / "v.mp4")[0] == pytest.approx(BEEP, abs=0.04)


@pytest.mark.slow
def test_a_layout_that_changes_midway(tmp_path: Path) -> None:
    for name, rate, count in (("c", 48000, 1), ("d", 44100, 2)):
        ffmpeg(*pictures(), *tones(count, rate), "-c:v", "mpeg2video", "-c:a", "mp2", tmp_path / f"{name}.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "c.ts").read_bytes() + (tmp_path / "d.ts").read_bytes())
    add_sound(joined, tmp_path / "v.mp4")
    assert loudness(tmp_path / "v.mp4")[0] == pytest.approx(BEEP, abs=0.1)
    with open_video(joined) as given, open_video(tmp_path / "v.mp4") as made:
        assert sum(1 for _ in given) == sum(1 for _ in made)


# Tracks


def hide_codec(source: Path, target: Path, tracks: list[int]) -> Path:
    """A copy in which the codec of some AAC tracks is one that nobody knows."""
    data = bytearray(source.read_bytes())
    places = [[m.start() for m in re.finditer(tag, source.read_bytes())] for tag in (b"mp4a", b"esds")]
    for track in tracks:
        for found, name in zip(places, (b"apac", b"dapa"), strict=True):
            data[found[track] : found[track] + 4] = name
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("hidden", "note"),
    [
        ([], "of 2 sound tracks, track 1 is kept"),
        ([1], "of 2 sound tracks, track 1 is kept"),
        ([0], "of 2 sound tracks, track 2 is kept, the first that can be read (track 1: its codec is not known here)"),
        ([0, 1], "the sound is left out, as it cannot be kept (track 2: its codec is not known here)"),
    ],
)
def test_the_first_track_that_can_be_read_is_kept(tmp_path: Path, hidden: list[int], note: str) -> None:
    maps = ["-map", "0:v", "-map", "1:a", "-map", "1:a"]
    ffmpeg(*pictures(), *tones(1), *maps, "-c:v", "libx264", "-c:a", "aac", tmp_path / "two.mp4")
    source = hide_codec(tmp_path / "two.mp4", tmp_path / "a.mp4", hidden)
    assert add_sound(source, tmp_path / "v.mp4") == [note]
    assert_whole(tmp_path / "v.mp4")
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert len(container.streams.audio) == (len(hidden) < 2)


def test_the_track_that_plays_by_default_is_kept(tmp_path: Path) -> None:
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-disposition:a:0", "0", "-disposition:a:1", "default"]
    silence = ["-f", "lavfi", "-i", f"anullsrc=d={SECONDS}"]
    ffmpeg(*pictures(), *silence, *tones(1), *maps, "-c:v", "mpeg4", "-c:a", "pcm_s16le", tmp_path / "a.mkv")
    add_sound(tmp_path / "a.mkv", tmp_path / "v.mp4")
    assert loudness(tmp_path / "v.mp4")[0] == pytest.approx(BEEP, abs=0.03)


def test_subtitles_and_data_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    options = ["-c:v", "libx264", "-c:a", "aac", "-c:s", "mov_text", "-timecode", "10:00:00:00"]
    ffmpeg(*pictures(), *tones(1), "-i", tmp_path / "a.srt", *options, tmp_path / "a.mov")
    assert add_sound(tmp_path / "a.mov", tmp_path / "v.mp4") == []
    assert loudness(tmp_path / "v.mp4")[0] == pytest.approx(BEEP, abs=0.03)


# Failures


class FailureError(Exception):
    pass


@pytest.fixture(scope="module")
def beeps(once: Once) -> Path:
    """A folder of videos with a tone, of each codec that fails or is damaged here."""

    def make(folder: Path) -> None:
        whole = {folder / f"{codec}.mov": (tones(1), _codecs(codec)) for codec in ("aac", "pcm_s16le")}
        later_damaged = {folder / f"{codec}.mkv": (tones(2), _codecs(codec)) for codec in _DAMAGED}
        write_sources(whole | later_damaged)

    return once("beeps", make)


_DAMAGED = ("aac", "pcm_s16le", "mp2", "ac3")


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_whatever_fails_the_video_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beeps: Path, codec: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FailureError("no such luck\nat all")

    source = shutil.copy(beeps / f"{codec}.mov", tmp_path / "a.mov")
    places = ["open_container", "_copy", "_encode", "_new_file", "_resample", "_mux", "_readable"]
    kept_in = ["_copy", "_encode", "_resample", "_mux"] if codec == "aac" else ["_copy", "_mux"]
    for place in places:
        with monkeypatch.context() as patched:
            patched.setattr(sound, place, fail)
            notes = add_sound(source, tmp_path / f"{place}.mp4")
        assert_whole(tmp_path / f"{place}.mp4")
        if place in kept_in:
            assert notes == [], place
        else:
            assert len(notes) == 1 and notes[0].startswith("the sound is left out") and "\n" not in notes[0], place
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.mov", *(f"{p}.mp4" for p in places)])
    for place, (begin, _) in zip(kept_in, loudnesses([tmp_path / f"{p}.mp4" for p in kept_in]), strict=True):
        assert begin == pytest.approx(BEEP, abs=0.03), place


@pytest.mark.slow
@pytest.mark.parametrize("codec", _DAMAGED)
@pytest.mark.parametrize("seed", range(4))
def test_damaged_sound_costs_sound_only(tmp_path: Path, beeps: Path, codec: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = np.frombuffer((beeps / f"{codec}.mkv").read_bytes(), np.uint8).copy()
    places = rng.integers(len(data) // 4, len(data), 200)
    data[places] = rng.integers(0, 256, len(places))
    (tmp_path / "a.mkv").write_bytes(data.tobytes())
    with open_video(tmp_path / "a.mkv") as video:
        num_frames = sum(1 for _ in video)
    notes = add_sound(tmp_path / "a.mkv", tmp_path / "v.mp4")
    with open_video(tmp_path / "v.mp4") as made:
        assert sum(1 for _ in made) == num_frames
    # Pictures that the damage took are missing from the result's times, too; nothing else is.
    assert all(note.startswith(("frames missing between", "the times jump")) for note in made.notes)
    assert all("\n" not in note for note in notes)


def test_a_source_that_is_gone(tmp_path: Path) -> None:
    frames = ((i / RATE, np.zeros((48, 64, 3), np.uint8)) for i in range(5))
    notes = write_video(tmp_path / "v.mp4", frames, frame_rate=Fraction(RATE), audio_from=tmp_path / "gone.mp4")
    assert notes[0].startswith("the sound is left out, as it cannot be read")
    assert_whole(tmp_path / "v.mp4", 5)
