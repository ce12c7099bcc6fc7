"""Names of what shows an analysis, for those, too, who load no library for it."""

VIDEO_NAME, REPORT_NAME = "annotated.mp4", "report.html"
TABLES = ("timeline.csv", "timebudget.csv", "captions.vtt", "tracks.txt", "court.json", "positions.csv")
OUTPUTS = (*TABLES, REPORT_NAME, VIDEO_NAME)
"""What shows an analysis, beside it in its folder."""
BALL_OUTPUTS = ("ball.csv", "events.csv")
"""What is shown besides where the ball was looked for."""
