"""Which sport a picture or a video shows, by a frozen network and a small head over labelled examples."""
