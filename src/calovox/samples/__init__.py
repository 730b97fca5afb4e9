"""Samples: showers of any file, as scores and report need them."""
