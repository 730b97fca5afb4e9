"""Scores: how far simulated showers are from a reference."""
