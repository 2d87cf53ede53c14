"""Files that lie beside a chat and are named in it: photos, recordings, documents."""

from collections.abc import Iterable, Iterator

from vault.collectors.readers.attached import attachment, file_blocks
from vault.collectors.readers.tree import File, Tree
from vault.items import Attachment, Content

__all__ = ["Beside", "contents", "files_beside", "folder_of"]

Beside = tuple[File, Attachment]

_MOST = 200


def folder_of(path: str) -> str:
    """Return the folder or archive that holds a file, with its separator."""
    return path[: max(path.rfind("/"), path.rfind("!")) + 1]


def files_beside(tree: Tree, near: str, names: Iterable[str], within: str) -> list[Beside]:
    """Return the named files, each with its content's address, in the order of the names.

    Args:
        tree: Where they may lie.
        near: The file that names them.
        names: File names, or paths of which the last folder counts too.
        within: The folder outside of which a file of the same name is another's.
    """
    found: list[Beside] = []
    for name in list(dict.fromkeys(names))[:_MOST]:
        file = tree.find(name, near)
        if file is None or not file.path.startswith(within) or not _is_named(file.path, name):
            continue
        if shown := attachment(tree, file):
            found.append((file, shown))
    return found


def _is_named(path: str, name: str) -> bool:
    wanted = "/".join(name.replace("\\", "/").strip("/").rsplit("/", 2)[-2:])
    return ("/" + path.replace("!", "/")).casefold().endswith("/" + wanted.casefold())


def contents(tree: Tree, found: Iterable[Beside]) -> Iterator[Content]:
    """Yield the bytes of files beside, to follow their item."""
    for file, attached in found:
        yield from file_blocks(tree, file, attached)
