"""What stands still behind the players: how the camera moves, where the court is."""
