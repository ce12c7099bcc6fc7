"""Follow two players whose boxes are known, without any detector, and say until when they were followed.

python examples/players_by_hand.py game.mp4 612,240,58,140 700,250,60,150
"""

import sys

from pipeline.analyze import analyze_video
from tracker.by_hand.rois import parse_roi

analysis = analyze_video(sys.argv[1], rois=[parse_roi(text) for text in sys.argv[2:]])

for player, track in analysis.tracks.by_id():
    lost = analysis.players.lost_at.get(player)
    print(f"player {player}: {len(track)} frames" + ("" if lost is None else f", lost at frame {lost}"))
