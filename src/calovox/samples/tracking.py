"""Progress over showers, as everywhere."""

from calovox.tracking import Track, silently

__all__ = ["Track", "silently"]
