"""One file per thing that is shown of an analysis."""
