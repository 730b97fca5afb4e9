"""The command line: one command per stage of the data flow."""

from calovox.cli.app import app, main

__all__ = ["app", "main"]
