"""A picture or a video, told apart by what it is, not by its name."""

from __future__ import annotations

from pathlib import Path

from ground.video.source import open_video
from pipeline.progress import Progress
from pipeline.sport.picture import is_picture, read_picture_file
from pipeline.sport.predict import Answer, SportClassifier
from pipeline.sport.video import VideoAnswer, tell_video
from pipeline.web.source import on_disk


def tell_source(source: str, classifier: SportClassifier, progress: Progress | None = None) -> Answer | VideoAnswer:
    """What a picture shows, or a video, a folder of pictures, an address of these or of a page that holds a video.

    Raises InputError where it cannot be read.
    """
    with on_disk(source, progress) as there:
        if "://" not in there and is_picture(Path(there)):
            return classifier.tell(read_picture_file(Path(there)))
        with open_video(there) as video:
            return tell_video(video, classifier, progress)
