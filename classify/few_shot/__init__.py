"""A last layer from a handful of examples, on any network."""
