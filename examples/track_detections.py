"""Track the boxes of any detector, given as a MOTChallenge file.

python examples/track_detections.py det.txt tracks.txt
"""

import sys
from pathlib import Path

from tracker.files.mot import read_detections, write_tracks
from tracker.track.sort import Sort
from tracker.track.tracklets import follow

tracks = follow(Sort(max_age=30, min_hits=3, min_iou=0.1), read_detections(Path(sys.argv[1]))).tracks()
write_tracks(Path(sys.argv[2]), tracks)
print(f"{len(tracks.ids)} tracks, {len(tracks)} boxes")
