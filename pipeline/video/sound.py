"""The sound of a span of a video, made ready for MP4 in a file of its own, before there are pictures to lose.

Sound comes in every codec, layout and state. What of it can be kept is copied, else it becomes AAC, else it is left
out; this is said, and nothing is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ground.video.stream.container import ffmpeg_name, has_decoder, is_default, open_container, read_only, start_of

_log = logging.getLogger("courtscribe")

_COPIED = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
"""Codecs that MP4 takes as they are; anything else becomes AAC."""
_AAC_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
"""By number of channels; of other numbers the first two are kept."""
_MAX_PLANES = 8
"""PyAV reads beyond the end of a frame that has so many planes or more, so those are not touched."""
_JITTER = 0.05
"""Seconds that a time stamp may be off; beyond it silence is put in, or sound left out. Lower: more clicks."""
_LONGEST_SILENCE = 3600.0
"""Seconds; a longer pause is a broken clock."""
_MARGIN = 1.0
"""Seconds that sound may last longer than its file says."""
_ROLL_IN = 2.0
"""Seconds that are read before a span: a codec needs some to begin well."""

_Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Span:
    start: float
    """Seconds in the source."""
    length: float
    """Seconds, may be infinite."""


def write_sound(source: str, path: Path, start: float, length: float) -> list[str]:
    """Write the sound of ``source`` from ``start`` on, ``length`` seconds of it, to ``path`` as MP4 without pictures.

    The track that plays by default is taken, else the first that can be read. 0 s in ``path`` is ``start``.
    Returns notes on what was left out. Without sound that can be kept there is no file.
    """
    failures: list[str] = []
    try:
        with open_container(source) as container:
            tracks = sorted(container.streams.audio, key=lambda track: not is_default(track))
            chosen = [(track.index, _ways(track)) for track in tracks]
            if container.duration:  # what is said to sound later is a broken clock
                length = min(length, container.duration / av.time_base - start + _MARGIN)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with the sound, the pictures are to be written)
        return [f"the sound is left out, as it cannot be read ({_reason(error)})"]
    for number, (index, ways) in enumerate(chosen, 1):
        for way in ways:
            notes: list[str] = []
            try:
                if _write_track(source, index, way, path, _Span(start, length), notes):
                    return _notes_on_tracks(number, len(chosen), failures) + notes
            except Exception as error:  # noqa: BLE001 (see above)
                _log.debug("%s: track %d: %s", source, number, error)
                failures.append(f"track {number}: {_reason(error)}")
            path.unlink(missing_ok=True)
        if not ways:
            failures.append(f"track {number}: its codec is not known here")
    return [f"the sound is left out, as it cannot be kept ({failures[-1]})"] if failures else []


def _notes_on_tracks(number: int, count: int, failures: list[str]) -> list[str]:
    if number > 1 and failures:
        return [f"of {count} sound tracks, track {number} is kept, the first that can be read ({failures[0]})"]
    return [f"of {count} sound tracks, track {number} is kept"] if count > 1 else []


_Way = Callable[[InputContainer, AudioStream, Path, _Span, list[str]], bool]


def _ways(track: AudioStream) -> list[_Way]:
    """How a track may be kept, best first."""
    if not has_decoder(track):
        return []
    return [_copy, _encode] if track.codec.canonical_name in _COPIED else [_encode]


def _write_track(source: str, index: int, way: _Way, path: Path, span: _Span, notes: list[str]) -> bool:
    """Whether a file was written that can be read: there may be no sound in the span."""
    with open_container(source) as container:
        track: Any = container.streams[index]
        read_only(container, track)
        if span.start > 0:
            begin = Fraction(max(0.0, span.start - _ROLL_IN)) + start_of(container)
            with suppress(av.FFmpegError):  # then it is read from the beginning
                container.seek(int(begin * av.time_base))
        if not way(container, track, path, span, notes):
            return False
    with av.open(ffmpeg_name(str(path))) as written:
        return next(written.demux(written.streams.audio[0])).size > 0


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, av.FFmpegError) else str(error)
    return (text or type(error).__name__).splitlines()[0]


def _note(notes: list[str], note: str) -> None:
    if note not in notes:
        notes.append(note)


def _new_file(path: Path) -> OutputContainer:
    return av.open(ffmpeg_name(str(path)), "w", format="mp4")


def _readable(container: InputContainer, track: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Packets up to the end, or to where the file is broken: the pictures say so already."""
    packets = container.demux(track)
    with suppress(av.FFmpegError):
        yield from packets


def _tick(track: AudioStream) -> Fraction:
    return track.time_base or Fraction(1, track.rate or 48000)


# As it is


def _copy(container: InputContainer, track: AudioStream, path: Path, span: _Span, notes: list[str]) -> bool:
    tick = _tick(track)
    shift = round((start_of(container) + Fraction(span.start)) / tick)
    with _new_file(path) as output:
        target, num_written = output.add_stream_from_template(track), 0
        for packet in _readable(container, track):
            if packet.pts is None or packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if packet.is_discard and packet.pts >= 0:
                continue
            if float(packet.pts * tick) >= span.length:
                break
            # One packet more in front: a codec needs it to begin well, and the file says that it is not to be heard.
            if packet.pts + 2 * (packet.duration or 0) > 0:
                packet.stream = target
                num_written += _mux(output, packet, notes)
    return num_written > 0


def _mux(output: OutputContainer, packet: Packet[Any], notes: list[str]) -> bool:
    try:
        output.mux(packet)
    except av.ArgumentError:  # its time goes back
        _note(notes, "some sound is left out, as its times are out of order")
        return False
    return True


# As AAC


def _encode(container: InputContainer, track: AudioStream, path: Path, span: _Span, notes: list[str]) -> bool:
    shift = start_of(container) + Fraction(span.start)
    _forget_odd_layout(track)
    decoded = _decode(container, track, notes)
    first = next(decoded, None)
    if first is None:
        return False
    rate = first.sample_rate if first.sample_rate in _AAC_RATES else 48000
    layout = _layout(first)
    line = _Line(rate, span.length)
    with _new_file(path) as output:
        target: Any = output.add_stream("aac", rate=rate, layout=layout)
        for samples, time in _resample(chain([first], decoded), layout, rate):
            for block in line.add(samples, None if time is None else float(time - shift), notes):
                output.mux(target.encode(_frame(block, layout, rate, line.num_given)))
                line.num_given += len(block)
            if line.is_full:
                break
        if line.num_given:
            output.mux(target.encode(None))
    return line.num_given > 0


def _forget_odd_layout(track: AudioStream) -> None:
    """Leave only the number of channels of a layout without a usual name.

    PyAV frees the list of a layout's channels each time that it looks at one, and the program dies of the second time.
    So it is looked at once here, and then replaced.
    """
    context = track.codec_context
    layout = context.layout
    if "channel" in layout.name:
        context.layout = f"{layout.nb_channels} channels"


def _decode(container: InputContainer, track: AudioStream, notes: list[str]) -> Iterator[AudioFrame]:
    """Raises what the decoder raised where it gives nothing at all."""
    num_decoded, complaint = 0, None
    for packet in _readable(container, track):
        try:
            for sound in track.decode(packet):
                num_decoded += 1
                yield sound
        except av.FFmpegError as error:
            complaint = error
    if complaint is not None and not num_decoded:
        raise complaint
    if complaint is not None:
        _note(notes, f"some sound cannot be decoded ({_reason(complaint)})")


def _layout(sound: AudioFrame) -> str:
    return _LAYOUTS.get(sound.layout.nb_channels, "stereo")


def _resample(sounds: Iterable[AudioFrame], layout: str, rate: int) -> Iterator[tuple[_Samples, Fraction | None]]:
    """Samples (N, channels) in one layout and rate, and when each block sounds; a track may change both midway."""
    resampler, setup, is_renamed = av.AudioResampler("flt", layout, rate), None, False
    for sound in chain(sounds, [None]):
        kind = None if sound is None else (sound.format.name, sound.layout.name, sound.sample_rate)
        if kind != setup:
            ready = [] if setup is None else resampler.resample(None)
            resampler, setup = av.AudioResampler("flt", layout, rate), kind
            is_renamed = sound is not None and not _is_understood(sound, layout, rate)
        else:
            ready = []
        if sound is not None:
            ready += resampler.resample(_renamed(sound) if is_renamed else sound)
        for out in ready:
            time = None if out.pts is None or out.time_base is None else out.pts * out.time_base
            yield np.asarray(out.to_ndarray(), np.float32).reshape(out.samples, -1), time


def _is_understood(sound: AudioFrame, layout: str, rate: int) -> bool:
    """Whether FFmpeg can mix the channels of ``sound`` by their names."""
    if sound.layout.nb_channels == 1 or "channel" in sound.layout.name:
        return False
    try:
        av.AudioResampler("flt", layout, rate).resample(sound)
    except (av.FFmpegError, ValueError):
        return False
    return True


def _renamed(sound: AudioFrame) -> AudioFrame:
    """``sound`` in the layout that its number of channels implies."""
    count = sound.layout.nb_channels
    if sound.format.is_planar and count >= _MAX_PLANES:
        raise ValueError(f"{count} channels without a layout")
    array: Any = sound.to_ndarray()
    if count not in _LAYOUTS:
        array = array[:2] if sound.format.is_planar else array.reshape(-1, count)[:, :2].reshape(1, -1)
    named = AudioFrame.from_ndarray(np.ascontiguousarray(array), sound.format.name, _layout(sound))
    named.sample_rate, named.pts, named.time_base = sound.sample_rate, sound.pts, sound.time_base
    return named


def _frame(samples: _Samples, layout: str, rate: int, pts: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "flt", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, pts, Fraction(1, rate)
    return frame


class _Line:
    """Blocks of samples put one after another at their times: silence fills what is missing between them."""

    def __init__(self, rate: int, length: float) -> None:
        self.num_given = 0
        self._rate = rate
        self._length = length if length == float("inf") else round(length * rate)

    @property
    def is_full(self) -> bool:
        """Whether the span is over."""
        return self.num_given >= self._length

    def add(self, samples: _Samples, time: float | None, notes: list[str]) -> Iterator[_Samples]:
        """What to write next. samples: (N, channels). time: seconds in the result; None: right after the last."""
        gap = 0 if time is None else round(time * self._rate) - self.num_given
        if self.num_given and abs(gap) <= _JITTER * self._rate:
            gap = 0
        if gap > _LONGEST_SILENCE * self._rate or (gap < 0 and self.num_given):
            _note(notes, "some sound is left out, as its times are out of order")
        if gap > _LONGEST_SILENCE * self._rate:
            return
        silence = min(gap, self._length - self.num_given)
        while silence > 0:
            num = int(min(silence, self._rate))
            yield np.zeros((num, samples.shape[1]), np.float32)
            silence -= num
        samples = samples[max(0, -gap) :]
        if self._length - self.num_given < len(samples):
            samples = samples[: int(self._length - self.num_given)]
        if len(samples):
            yield samples
