"""Training showers: datasets as one, and batches of them."""
