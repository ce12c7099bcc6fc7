"""Who did what: analyse a video, print each player's timeline, keep everything in a folder.

python examples/timeline_per_player.py game.mp4
"""

import sys
from pathlib import Path

from pipeline.analyze import analyze_video
from pipeline.outputs.write import write_outputs

video = Path(sys.argv[1])
analysis = analyze_video(video)

for player in analysis.tracks.ids:
    did = [s for s in analysis.timeline.segments if s.track_id == player]
    print(f"player {player}: " + ", ".join(f"{s.action} {s.start:.1f}-{s.end:.1f} s" for s in did))

write_outputs(analysis, video.with_suffix(".courtscribe"))
