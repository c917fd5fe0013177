"""The verifier: one file that runs by itself, with nothing but Python's standard library."""
