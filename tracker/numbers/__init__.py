"""Numbers on players' shirts: read in single views, voted over all of them, as evidence and as names."""
