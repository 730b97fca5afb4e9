"""Run folders: what a training leaves behind, and how it goes on from there."""
