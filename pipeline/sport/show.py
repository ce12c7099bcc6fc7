"""An answer as a table for a person, and as the JSON that the Sport Vision API gives."""

from __future__ import annotations

from typing import Any

from pipeline.sport.predict import Answer
from pipeline.sport.video import VideoAnswer


def answer_json(found: Answer | VideoAnswer, top: int) -> dict[str, Any]:
    """``data``: id, name and probability, best first; then what there is besides."""
    answer = found.answer if isinstance(found, VideoAnswer) else found
    content: dict[str, Any] = {
        "data": [
            {"id": each.sport.id, "name": each.sport.name, "probability": round(each.probability, 4)}
            for each in answer.likely[:top]
        ],
        "unknown": round(answer.unknown, 4),
        "sport_at_all": None if answer.sport_at_all is None else round(answer.sport_at_all, 4),
        "is_sport": answer.is_sport,
        "nearest": [
            {"example": near.name, "id": near.sport.id, "name": near.sport.name, "likeness": round(near.likeness, 4)}
            for near in answer.nearest
        ],
    }
    if isinstance(found, VideoAnswer):
        content["video"] = {
            "frames": found.num_frames,
            "shots": found.num_shots,
            "spread": round(found.spread, 4),
            "agreeing": round(found.agreeing, 4),
        }
    return content


def answer_table(found: Answer | VideoAnswer, top: int) -> str:
    """A line per sport, then what there is besides."""
    answer = found.answer if isinstance(found, VideoAnswer) else found
    lines = [f"{each.probability:6.1%}  {each.sport.name} ({each.sport.id})" for each in answer.likely[:top]]
    lines.append(f"none of these sports: {answer.unknown:.1%}")
    if answer.sport_at_all is not None:
        lines.append(f"any sport at all: {answer.sport_at_all:.1%}")
    near = ", ".join(f"{each.name} ({each.likeness:.2f})" for each in answer.nearest)
    lines.append(f"nearest examples: {near}")
    if isinstance(found, VideoAnswer):
        asked = f"{found.num_frames} frames of {found.num_shots} shot{'' if found.num_shots == 1 else 's'}"
        lines.append(f"asked: {asked}, {found.agreeing:.0%} agree; spread over shots {found.spread:.3f}")
    return "".join(f"{line}\n" for line in lines)
