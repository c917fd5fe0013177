"""Benchmarks: each compares with a named yardstick in the same run and prints the ratio."""
