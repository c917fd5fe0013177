"""Draws the shipped diagrams: computes positions and ways of flows from the model alone."""
