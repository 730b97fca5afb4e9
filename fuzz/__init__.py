"""Mutated files for every reader of calovox: none may crash, hang, or end in a traceback.

An input is a small file or folder that a reader accepts, changed by a few mutations. It follows
from three things alone: the seed of the run, the name of the target, and a number.
`make fuzz` runs for some minutes, `make fuzz INPUTS=100000` until so many inputs were read.
"""
