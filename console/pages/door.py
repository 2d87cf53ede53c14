"""Under which names the server answers, and how much a request may bring."""

from dataclasses import dataclass, field

__all__ = ["Door"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Under which names the server answers, and how much one request may bring.

    `origins` are whole origins (`http://127.0.0.1:8642`), `largest` and `largest_upload` are
    bytes; only a path that begins with one of `uploads` may bring as much as the latter. `is_lan`
    says that other machines reach it.
    """

    origins: tuple[str, ...]
    largest: int = 1 << 20
    largest_upload: int = 4 << 30
    uploads: tuple[str, ...] = ("/sources/upload",)
    is_lan: bool = False
    hosts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        hosts = frozenset(origin.partition("://")[2] for origin in self.origins)
        object.__setattr__(self, "hosts", hosts)
