"""Sizes of the models, one file per kind."""
