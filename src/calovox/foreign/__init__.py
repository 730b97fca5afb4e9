"""Hits of other programs: their columns are described, or guessed, and become hits of ours."""
