"""Other people's programs held against ours."""
