"""A picture or a video, told apart by what it is, not by its name."""

from __future__ import annotations

from pathlib import Path

from ground.video.source import open_video
from pipeline.progress import Progress
from pipeline.sport.picture import is_picture, read_picture_file
from pipeline.sport.predict import Answer, SportClassifier
from pipeline.sport.video import VideoAnswer, tell_video


def tell_source(source: str, classifier: SportClassifier, progress: Progress | None = None) -> Answer | VideoAnswer:
    """What a picture shows, or a video, a folder of pictures, an address. Raises InputError where it cannot be read."""
    path = Path(source)
    if "://" not in source and is_picture(path):
        return classifier.tell(read_picture_file(path))
    with open_video(source) as video:
        return tell_video(video, classifier, progress)
