"""The networks by name, and how pictures are made ready for them."""
