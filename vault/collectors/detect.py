"""What is in a file, a folder or an archive of mixed things: content decides, not paths.

Export names are translated and renamed by the people who made them. First a source may
claim a whole folder or archive, then each remaining file goes to the source that is surest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vault.collectors.api import Carrier, Source
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad

__all__ = ["Part", "parts"]

_CLAIMED = 0.9
_LARGE = 1 << 20
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_LONGEST_SUFFIX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Files that one source reads."""

    source: Source
    tree: Tree


def parts(tree: Tree, sources: Sequence[Source], *, forced: bool = False) -> Iterator[Part | Bad]:
    """Yield the parts in a fixed order, then a `Bad` for each file that nobody reads.

    Read each part before taking the next: which files are left over depends on what was
    opened, since an attachment belongs to the note that shows it.

    Args:
        tree: Everything that was added.
        sources: Who may read it.
        forced: The one source reads everything, whatever it thinks of it.
    """
    yield from tree.problems
    if not tree.files and not tree.problems:
        yield Bad(locator=tree.name, reason="there are no files in it")
    files = []
    for file in tree.files:
        if file.size:
            files.append(file)
        else:
            yield Bad(locator=tree.located(file.path), reason="the file is empty")
    if forced and isinstance(sources[0], Carrier):
        yield Part(source=sources[0], tree=tree.sub(files, _root(tree)))
        return
    if forced:
        yield from (Part(source=sources[0], tree=group) for group in _groups(tree, files))
        return
    yield from _folders(tree.sub(files), sources)
    left = [file for file in files if file.path not in tree.opened]
    yield from _single_files(tree, left, sources)


def _root(tree: Tree) -> str:
    """Return the folder or archive that was added."""
    return tree.base or tree.name


def _folders(tree: Tree, sources: Sequence[Source]) -> Iterator[Part]:
    """Yield the folders and archives that a source claims as a whole, outermost first."""
    inside: dict[str, list[File]] = {}
    for file in tree.files:
        for end, letter in enumerate(file.path):
            if letter in "/!":
                inside.setdefault(file.path[:end], []).append(file)
    taken: list[str] = []
    for folder in sorted(inside):
        if any(folder.startswith((outer + "/", outer + "!")) for outer in taken):
            continue
        if len(inside[folder]) == 1:
            continue
        view = tree.sub(inside[folder], folder)
        source, sureness = _surest(view, sources)
        if source is not None and sureness >= _CLAIMED:
            taken.append(folder)
            yield Part(source=source, tree=view)


def _single_files(
    tree: Tree, files: Sequence[File], sources: Sequence[Source]
) -> Iterator[Part | Bad]:
    """Yield the remaining files, grouped by source, then those that nobody knows."""
    found: dict[str, list[File]] = {source.name: [] for source in sources}
    unknown: list[File] = []
    for file in files:
        try:
            source, _ = _surest(tree.sub([file]), sources)
        except Unreadable as error:
            yield Bad(locator=tree.located(file.path), reason=str(error))
            continue
        if source is None:
            unknown.append(file)
        else:
            found[source.name].append(file)
    for source in sources:
        for group in _groups(tree, found[source.name]):
            left = [file for file in group.files if file.path not in tree.opened]
            if left:
                yield Part(source=source, tree=group.sub(left))
    for file in unknown:
        if file.path not in tree.opened:
            yield Bad(locator=tree.located(file.path), reason=_unknown(file))


def _unknown(file: File) -> str:
    """Say that nobody reads a file, and what to do where there is something to do."""
    kind = file.suffix or "no suffix"
    if not kind.isprintable() or len(kind) > _LONGEST_SUFFIX:
        kind = "a strange suffix"
    reason = f"no source reads this kind of file ({kind})"
    if kind in _TABLES:
        reason += " without a mapping; docs/tables.md says how to write one"
    return reason


def _groups(tree: Tree, files: Sequence[File]) -> Iterator[Tree]:
    """Yield large files one by one and the small ones together."""
    small = [file for file in files if file.size < _LARGE]
    if small:
        yield tree.sub(small)
    yield from (tree.sub([file]) for file in files if file.size >= _LARGE)


def _surest(tree: Tree, sources: Sequence[Source]) -> tuple[Source | None, float]:
    """Return who is surest of some files; who fails over them does not want them.

    Raises:
        Unreadable: It is a single file into which nobody can look.
    """
    best: Source | None = None
    sureness = 0.0
    trouble: Unreadable | None = None
    for source in sources:
        try:
            score = source.detect(tree)
        except Unreadable as error:
            trouble = error
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112 - the mistake of one is no reason not to ask the others
            continue
        else:
            if score > sureness:
                best, sureness = source, score
    if best is None and trouble is not None and len(tree.files) == 1:
        raise trouble
    return best, sureness
