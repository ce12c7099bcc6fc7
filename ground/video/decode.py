"""Containers that FFmpeg opens, decoded: pictures with their true times and their place in the whole video."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, dropwhile
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from ground.errors import InputError
from ground.frames import Frame
from ground.video.convert import Converter, note_on_size
from ground.video.info import VideoInfo
from ground.video.parts import Part, ReadingLog, UnplannedError, planned
from ground.video.probe import probe
from ground.video.stream.container import open_container, videos_in
from ground.video.stream.losses import Losses
from ground.video.stream.opening import Opening
from ground.video.stream.pipe import is_pipe
from ground.video.stream.timing import Clock, Gaps, Stamps

_log = logging.getLogger("courtscribe")

_CODECS_WITH_HIDDEN_PACKETS = {"vp8"}
"""Some of their packets hold nothing to show, so frames cannot be counted without decoding."""
_CONTAINERS_WITHOUT_STAMPS = {"avi"}
"""FFmpeg makes up the time stamps of their packets."""


class ContainerReader:
    """Reads what FFmpeg opens."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._choice = 0
        self._probed: deque[Opening] = deque(maxlen=1)
        self._is_read_once = is_pipe(source)
        self._planned = np.empty(0)
        self._num_before_key = 0

    def probe(self) -> VideoInfo:
        """Facts, from opening it and decoding one frame. What was opened is kept for the first reading."""
        while True:
            opening = self._open()
            try:
                info = probe(opening, self._choice)
            except BaseException:
                opening.close()
                raise
            if info is not None:
                self._probed.append(opening)
                return info
            opening.close()
            self._choice += 1
            if self._choice >= opening.num_videos:
                raise InputError(f"{self._source}: no frame of this video can be decoded")

    def close(self) -> None:
        """Let go of what probing opened, if no reading took it."""
        while self._probed:
            self._probed.pop().close()

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds); what is odd is appended to ``notes``.

        A frame that cannot be decoded is left out and keeps its index.
        """
        counted = self._count_frames_before(start)
        index = counted or 0
        num_read = num_damaged = num_lost = 0
        time = 0.0
        losses, gaps, convert = Losses(), Gaps(info.time_base), Converter(info)
        stamps = Stamps()
        for time, picture, losses in self._decode_near(info, start if index else 0.0, stamps):
            if time >= end:
                break
            newly_lost, num_lost = losses.num_lost - num_lost, losses.num_lost
            if time < start and counted is not None:
                continue
            index += newly_lost
            if time >= start:
                gaps.add(time, newly_lost)
                yield Frame(index, time, convert(picture, time))
                num_read += 1
                num_damaged += picture.is_corrupt
            index += 1
        if not num_read:
            raise InputError(f"{self._source}: no frame between {start:g} s and {min(end, info.duration or end):g} s")
        num_before_key = losses.num_before_key if start <= 0 else 0
        notes += convert.notes + _notes_of_damage(losses.num_lost, num_damaged, num_before_key)
        notes += stamps.notes() + gaps.notes()
        if time < end:
            notes += self._notes_at_end(info, time, index - num_lost, losses.num_lost - num_lost, gaps)
        for note in notes:
            _log.info("%s: %s", Path(self._source).name, note)

    def frame_times(self) -> npt.NDArray[np.float64] | None:
        """When each frame is shown, seconds, from one scan of the packets; None where they do not tell it."""
        stamps: list[int] = []
        num_before_key = 0
        with self._open() as opening:
            if opening.container.format.name in _CONTAINERS_WITHOUT_STAMPS:
                return None
            if opening.stream.codec.canonical_name in _CODECS_WITH_HIDDEN_PACKETS:
                return None
            clock, first = Clock(opening), None
            try:
                for packet in opening.container.demux(opening.stream):
                    if packet.size == 0:
                        continue
                    if first is None and not packet.is_keyframe:
                        num_before_key += not packet.is_discard
                        continue
                    if packet.pts is None or packet.is_corrupt:
                        return None
                    first = packet.pts if first is None else first
                    if packet.pts >= first and not packet.is_discard:
                        stamps.append(packet.pts)
                    num_before_key += packet.pts < first and not packet.is_discard
            except av.FFmpegError:  # cut off
                return None
            times = np.array([clock.seconds(pts) for pts in sorted(stamps)])
        self._planned, self._num_before_key = times, num_before_key
        return times if len(times) and (np.diff(times) > 0).all() else None

    def read_parts(self, info: VideoInfo, parts: Sequence[Part]) -> Iterator[Frame]:
        """The frames of ``parts``, which follow each other.

        Raises UnplannedError where other frames are shown than the packets promised, or anything is damaged.
        """
        convert = Converter(info)
        start = parts[0].start if parts[0].first else 0.0
        for index, time, picture in planned(self._sound(info, start), parts):
            size = (picture.width, picture.height)
            other = None if size == convert.size else size
            yield Frame(index, time, convert(picture, time), stored_size=other)

    def _sound(self, info: VideoInfo, start: float) -> Iterator[tuple[float, VideoFrame]]:
        """Times and pictures as ``_decode_near`` gives them. Raises UnplannedError for the first that is damaged.

        What a decoder makes of damage, and of what follows, depends on what it saw before: on where it began.
        """
        stamps: list[int] = []
        for time, picture, losses in self._decode_near(info, start, Stamps()):
            if losses.is_complaint or picture.is_corrupt or picture.pts is None or stamps[-1:] >= [picture.pts]:
                raise UnplannedError
            stamps = [picture.pts]
            yield time, picture

    def notes_on_parts(self, info: VideoInfo, log: ReadingLog) -> list[str]:
        """What was odd about reading parts, a line each, as ``read`` notes it. Raises InputError for no frame."""
        if not log.num_read:
            end = min(log.end, info.duration or log.end)
            raise InputError(f"{self._source}: no frame between {log.start:g} s and {end:g} s")
        notes: list[str] = []
        if log.resized is not None:
            time, width, height = log.resized
            notes.append(note_on_size(info, (width, height), time))
        notes += _notes_of_damage(0, 0, self._num_before_key if log.start <= 0 else 0)
        gaps = Gaps(info.time_base)
        for time in self._planned[(self._planned >= log.start) & (self._planned < log.end)].tolist():
            gaps.add(time)
        notes += gaps.notes()
        if log.is_to_the_end:
            notes += self._notes_at_end(info, log.last_time, log.num_read + log.num_before, 0, gaps)
        return notes

    def _notes_at_end(self, info: VideoInfo, last: float, num_frames: int, num_lost: int, gaps: Gaps) -> list[str]:
        """last: when the last frame was shown; num_lost: frames after it whose loss is known."""
        notes: list[str] = []
        if num_frames < info.num_frames_claimed:
            num_edited = self._count_edited()
            notes += _notes_of_edits(num_edited, info)
            if num_frames + num_edited < info.num_frames_claimed:
                claimed = info.num_frames_claimed - num_edited
                notes.append(f"the container claims {claimed} frames, {num_frames} can be shown")
        # Sound may go on for longer, and the last frame may be shown for longer where the rate varies.
        periods = 1.75 if gaps.is_steady and not info.has_audio else 2.5
        if info.duration is not None and last + periods / info.frame_rate < info.duration:
            room = max(0, round((info.duration - last) * info.frame_rate) - 1 - num_lost)
            ends = f"its last frame is at {last:.3f} s of {info.duration:.3f} s"
            notes.append(f"the video ends early: {ends}, with room for {room} more")
        return notes

    def _count_edited(self) -> int:
        """Frames that lie in the file and that its edit list leaves out."""
        if self._is_read_once or "://" in self._source:
            return 0
        return max(0, self._count_packets(ignore_editlist="1") - self._count_packets())

    def _count_packets(self, ignore_editlist: str = "0") -> int:
        num = 0
        with open_container(self._source, ignore_editlist=ignore_editlist) as container:
            try:
                for packet in container.demux(videos_in(container)[self._choice]):
                    num += packet.size > 0 and not packet.is_discard
            except av.FFmpegError:  # cut off
                return num
        return num

    def _open(self) -> Opening:
        return Opening(self._source, self._choice)

    def _from_the_beginning(self) -> Opening:
        try:
            return self._probed.pop()
        except IndexError:
            return self._open()

    def _decode_near(self, info: VideoInfo, start: float, stamps: Stamps) -> Iterator[tuple[float, VideoFrame, Losses]]:
        """Times and pictures, from ``start`` or somewhat earlier, if need be from the beginning."""
        # A seek may land after the time asked for: some containers seek by decoding time, some guess.
        for seconds_back in (0.0, 2.0, 16.0, None) if start > 0 else (None,):
            with self._from_the_beginning() if seconds_back is None else self._open() as opening:
                clock, pictures = Clock(opening, info.frame_rate, stamps), opening.pictures
                if seconds_back is not None:
                    if not opening.seek(clock.pts(max(start - seconds_back, 0.0))):
                        continue
                    pictures = dropwhile(lambda picture: not picture.key_frame, pictures)
                timed = ((time, picture, opening.losses) for time, picture in clock.timed(pictures))
                first = next(timed, None)
                if seconds_back is None or (first is not None and first[0] <= start):
                    yield from chain([first] if first else [], timed)
                    return

    def _count_frames_before(self, start: float) -> int | None:
        """Frames shown before ``start``, counted without decoding; None where that cannot be known."""
        if start <= 0:
            return 0
        if self._is_read_once:
            return None
        num_before = 0
        first: int | None = None
        with self._open() as opening:
            if opening.stream.codec.canonical_name in _CODECS_WITH_HIDDEN_PACKETS:
                return None
            clock = Clock(opening)
            for packet in opening.container.demux(opening.stream):
                if packet.size == 0:
                    continue
                if packet.pts is None or packet.dts is None:
                    return None
                if clock.seconds(packet.dts) >= start:  # nothing that follows is shown before it is decoded
                    break
                if first is None and not packet.is_keyframe:
                    continue
                first = packet.pts if first is None else first
                shown = packet.pts >= first and not packet.is_discard
                num_before += shown and clock.seconds(packet.pts) < start
        return num_before


def _notes_of_damage(num_lost: int, num_damaged: int, num_before_key: int) -> list[str]:
    notes: list[str] = []
    if num_before_key:
        notes.append(f"frames before the first key frame that cannot be decoded and are left out: {num_before_key}")
    if num_lost:
        notes.append(f"frames that cannot be decoded and are left out: {num_lost}")
    if num_damaged:
        notes.append(f"frames that are damaged and used as far as they can be decoded: {num_damaged}")
    return notes


def _notes_of_edits(num_edited: int, info: VideoInfo) -> list[str]:
    return [f"the file's edit list hides {num_edited} of its {info.num_frames_claimed} frames"] if num_edited else []
