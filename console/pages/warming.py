"""What models answer with, loaded while a person still thinks of a question.

Importing torch takes seconds, and the first answer would wait for them.
"""

import threading

from trainer import engine

__all__ = ["Warming"]


class Warming:
    """Loads the engine of a server's models once, beside its pages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin to load it, unless that was begun; nobody waits for it."""
        with self._lock:
            if self.thread is None:
                self.thread = threading.Thread(target=engine.prepare, daemon=True)
                self.thread.start()
