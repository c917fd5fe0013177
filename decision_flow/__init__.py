"""Decision Flow: major administrative decisions, taken by the law's procedure and recorded for ever."""

__version__ = "0.1.0"
