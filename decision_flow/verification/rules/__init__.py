"""One rule, one file: each looks at a model (and a requirement) and yields findings."""
