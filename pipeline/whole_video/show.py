"""What a video shows as a whole: as a table, as JSON, and written into the video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from classify.weights.description import CheckpointInfo
from ground.disk.files import write_atomically
from ground.fonts import drawable, note_on
from ground.frames import Image
from ground.prefetch import prefetch
from ground.video.source import VideoSource
from pipeline.outputs.draw import banner_fits, draw_players
from pipeline.progress import Advance
from pipeline.video.encode import write_video
from pipeline.whole_video.label import WholeVideo

_DRAWN_AHEAD = 4

Ranking = Sequence[tuple[str, float]]
"""Labels with probabilities, likeliest first."""


def answer_table(answer: WholeVideo, info: CheckpointInfo, count: int) -> str:
    """The ``count`` likeliest labels, and when what is seen where it changes; lines of text."""
    best = answer.top(answer.probabilities, count)
    width = max(len(label) for label in (*(label for label, _ in best), *(s.action for s in answer.timeline.segments)))
    lines = [f"{label:{width}}  {probability:.3f}" for label, probability in best]
    if len(answer.timeline.segments) > 1:
        lines.append("")
        lines += [
            f"{s.start:8.2f} - {s.end:8.2f} s  {s.action:{width}}  {s.confidence:.3f}" for s in answer.timeline.segments
        ]
    if info.origin.note:
        lines.append(info.origin.note)
    return "\n".join(lines) + "\n"


def write_answer_json(answer: WholeVideo, info: CheckpointInfo, source: str, count: int, path: Path) -> None:
    """Write the answer to ``path``: ``top`` for the whole video, ``timeline``, and ``windows`` with a top each."""
    content = {
        "video": source,
        "duration_s": round(answer.duration, 4),
        "model": info.model,
        "origin": info.origin.data,
        "note": info.origin.note,
        "top": _ranked(answer.top(answer.probabilities, count)),
        "timeline": [
            {"action": s.action, "start_s": round(s.start, 4), "end_s": round(s.end, 4), "start_frame": s.start_frame,
             "end_frame": s.end_frame, "confidence": round(s.confidence, 4)}
            for s in answer.timeline.segments
        ],
        "windows": [
            {"start_s": round(s.start, 4), "end_s": round(s.end, 4), "top": _ranked(answer.top(s.probabilities, count))}
            for s in answer.scores
        ],
    }  # fmt: skip
    with write_atomically(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_answer_video(
    answer: WholeVideo, video: VideoSource, count: int, output: Path, advance: Advance, *, starter: bool = False
) -> list[str]:
    """Write ``video`` again with the likeliest labels in its corner, as MP4 with its sound.

    starter: the labels are a first guess, and the picture says so.
    Returns notes on what could not be kept. Raises InputError where it cannot be written.
    """
    info = video.info
    with closing(prefetch(_drawn(answer, video, count, starter, advance), _DRAWN_AHEAD)) as pictures:
        notes = write_video(
            output,
            pictures,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            sample_aspect_ratio=info.sample_aspect_ratio,
            audio_from=video.source if info.has_audio else None,
            start=video.start,
            end=video.end,
        )
    on_letters = note_on({label for scores in answer.scores for label, _ in answer.top(scores.probabilities, count)})
    return notes if on_letters is None else [*notes, on_letters]


def _drawn(
    answer: WholeVideo, video: VideoSource, count: int, starter: bool, advance: Advance
) -> Iterator[tuple[float, Image]]:
    nobody = np.zeros((0, 4), np.float32)
    for frame in video:
        image = frame.image.copy()
        best = answer.top(answer.scores_at(frame.time).probabilities, count)
        draw_players(image, nobody, (), (), banner=_line(best, image, starter))
        yield frame.time, image
        advance(1)


def _line(best: Ranking, image: Image, starter: bool) -> str:
    """As many labels as fit into a picture, one at least."""
    texts = [f"{drawable(label) or '?'} {probability:.0%}" for label, probability in best]
    line = texts[0] + (" (first guess)" if starter else "")
    for text in texts[1:]:
        if not banner_fits(f"{line}  {text}", image):
            break
        line += f"  {text}"
    return line


def _ranked(best: Ranking) -> list[dict[str, Any]]:
    return [{"label": label, "probability": round(probability, 6)} for label, probability in best]
