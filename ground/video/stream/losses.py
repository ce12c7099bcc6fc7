"""Which frames of a video could not be decoded."""

from __future__ import annotations

from heapq import heappop, heappush

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream


class Losses:
    """Counts the packets that no picture came of, once the decoder has complained.

    It complains of the first one only, and keeps back without a word what depends on it. A decoder that never
    complains is not counted: some codecs have packets that hold no picture. What is shown before the first key frame
    cannot be decoded as a rule, and is counted by itself: such a video begins with its first key frame.
    """

    def __init__(self) -> None:
        self.num_lost = 0
        self.is_complaint = False
        """Whether the decoder, or the file, said that something is wrong."""
        self._awaited: list[int] = []
        self._first_key: int | None = None
        self._before_key: set[int] = set()

    @property
    def num_before_key(self) -> int:
        """Pictures that would be shown before the first key frame, and did not come."""
        return len(self._before_key)

    def sent(self, packet: Packet[VideoStream]) -> None:
        """A packet goes to the decoder."""
        if not packet.size or packet.pts is None or packet.is_discard:
            return
        if self._first_key is None and packet.is_keyframe:
            self._first_key = packet.pts
        if self._first_key is None or packet.pts < self._first_key:
            self._before_key.add(packet.pts)
        else:
            heappush(self._awaited, packet.pts)

    def complained(self) -> None:
        """The decoder, or the file, says that something is wrong."""
        self.is_complaint = True

    def got(self, picture: VideoFrame) -> None:
        """A picture came from the decoder."""
        if picture.pts is not None:
            self._before_key.discard(picture.pts)
        while self._awaited and picture.pts is not None and self._awaited[0] <= picture.pts:
            lost = heappop(self._awaited) < picture.pts
            self.num_lost += lost and self.is_complaint

    def ended(self) -> None:
        """Nothing more will come."""
        self.num_lost += len(self._awaited) if self.is_complaint else 0
