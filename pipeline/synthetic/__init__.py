"""A game that the project makes itself: moving players, a court, a camera, pictures, and the truth about them."""
