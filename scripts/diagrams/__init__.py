"""Draws the shipped diagrams anew."""
