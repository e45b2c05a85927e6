"""The one place that holds mmdfkd's version."""

__version__ = '0.1.0'
