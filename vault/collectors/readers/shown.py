"""The files that a note shows, found by what the note calls them."""

from collections.abc import Iterable
from urllib.parse import unquote

from vault.collectors.readers.attached import attachment
from vault.collectors.readers.beside import Beside
from vault.collectors.readers.tree import File, Tree

__all__ = ["shown"]


def shown(tree: Tree, note: File, names: Iterable[str], *, but: frozenset[str]) -> list[Beside]:
    """Find the files that a note names, and hash them.

    Args:
        tree: Where they are searched.
        note: The file of the note; of several of one name the nearest is meant.
        names: What the note calls them: names or paths, as they are or encoded for a link.
        but: Suffixes of files that are records themselves and belong to nobody.
    """
    found: dict[str, Beside] = {}
    for name in names:
        file = _find(tree, note, name.strip())
        if file is None or file.suffix in but or file.path in found:
            continue
        if attached := attachment(tree, file):
            found[file.path] = (file, attached)
    return list(found.values())


def _find(tree: Tree, note: File, name: str) -> File | None:
    if "://" in name or name.startswith("data:"):
        return None
    for wanted in dict.fromkeys((name, unquote(name))):
        relative = wanted
        while relative.startswith(("../", "./")):
            relative = relative.partition("/")[2]
        if relative and (file := tree.find(relative, note.path)):
            return file
    return None
