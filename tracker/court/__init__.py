"""The court in metres: its dimensions, its areas seen in a picture, and where the camera stands."""
