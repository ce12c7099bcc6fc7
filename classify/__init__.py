"""16-frame clips in, action probabilities out. Knows nothing about tracks."""

import os

# FFmpeg inside OpenCV, which reads it at the first video: what is wrong with a clip is said once, by us.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
