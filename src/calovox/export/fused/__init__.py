"""Graphs in few nodes, where fusing pays."""
