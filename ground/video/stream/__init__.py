"""What FFmpeg says of a stream: how it is opened, its packets' times, its rate, what was lost."""
