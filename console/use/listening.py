"""Hearing of edits in the owner's pod while something long goes on here.

What asks consent again at every step then stops within a second of an edit that forbids it. A
thread has the vault open a second time, as another process would: no handle is shared. Without
the pod everything goes on; whatever it holds is heard at the next sync.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console import bootstrap
from console.bootstrap import Twin
from console.use.entering import alone

if TYPE_CHECKING:
    import httpx2

__all__ = ["listening"]

_LOOK: Final = 0.5
"""Seconds after which an end is noticed."""
_AWAY: Final = 30.0
_LEAVING: Final = 5.0


@contextmanager
def listening(twin: Twin) -> Iterator[None]:
    """Put on the record what is edited in the pod meanwhile, where one is linked."""
    if not twin.is_linked:
        yield
        return
    stopped = threading.Event()
    wanted = (twin.home, twin.secret, twin.network, stopped)
    thread = threading.Thread(target=_listen, args=wanted, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_LEAVING)


def _listen(
    home: Path, secret: str, network: "httpx2.BaseTransport | None", stopped: threading.Event
) -> None:
    while not stopped.is_set():
        try:
            twin = bootstrap.open_(home, secret)
            try:
                twin.network = network
                _hear(twin, stopped)
            finally:
                twin.close()
        except Exception:  # noqa: BLE001 - whatever it is, to hear again is better than to be deaf
            # The pod is away, or something is wrong that the next command says by itself.
            stopped.wait(_AWAY)


def _hear(twin: Twin, stopped: threading.Event) -> None:
    from console.use.observing import Documents  # noqa: PLC0415 — heavy
    from pod_sync.notices import Notices  # noqa: PLC0415 — heavy
    from pod_sync.session import Session  # noqa: PLC0415 — heavy

    way = twin.pod.linked
    with Session(way.access, transport=twin.network) as session:
        documents = Documents(twin, session, way.webid)
        with alone(twin):
            documents.agree()  # what was edited before anybody listened
        with Notices(session, documents.paths) as notices:
            while not stopped.is_set():
                if changed := notices.wait(_LOOK):
                    with alone(twin):
                        documents.agree(changed)
                    notices.add(documents.paths)
