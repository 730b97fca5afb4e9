"""Distances between two samples of features."""
