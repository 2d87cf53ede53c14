"""Named write and sync points, so that tests can die exactly there.

Production code calls `points.reached("log.committed")` right after the step that the
name states; a fault test replaces the function before it runs a command.
"""

__all__ = ["reached"]


def reached(name: str) -> None:
    """Do nothing; the name is the only meaning."""
