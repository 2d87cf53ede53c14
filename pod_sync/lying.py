"""What lies in a pod of a device's files, whatever any index says: found by listing."""

from pod_sync.index import lies
from pod_sync.session import Session

__all__ = ["lying"]


def lying(session: Session, root: str, feed: str) -> dict[str, int]:
    """Return path (`feed/name`) and length of a device's files of the mirror's form.

    They lie in up to 256 containers, each of them one request.

    Raises:
        PodError: The pod is away, or refuses.
    """
    found: dict[str, int] = {}
    files = f"{root}files/{feed}/"
    for part in session.listing(files):
        for file in session.listing(f"{files}{part.name}/"):
            if not file.container and lies(feed, part.name, file.name):
                found[f"{feed}/{file.name}"] = file.size or 0
    return found
