"""How a portable copy is told from other exports: all that a reader has to know who meets none.

Asked for every folder that is added, so it loads nothing of what a copy may hold.
"""

import re
from typing import Final

from vault.collectors.readers.tree import File, Tree, Unreadable

__all__ = [
    "CONTEXT_FILE",
    "FORMAT",
    "ITEMS",
    "LINE_START",
    "MANIFEST",
    "UNFINISHED",
    "is_copy",
]

FORMAT: Final = "twinvault-export"
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = "unfinished.json"
CONTEXT_FILE: Final = "context.jsonld"

ITEMS: Final = re.compile(r"items-\d{5,}\.jsonl")
"""The names of files of items."""

LINE_START: Final = f'{{"@context":"{CONTEXT_FILE}"'.encode()
"""How every line begins."""


def is_copy(tree: Tree) -> bool:
    """Whether a folder or archive is a portable copy, finished or not."""
    return any(_shows(tree, file, tree.relative(file.path)) for file in tree.files)


def _shows(tree: Tree, file: File, name: str) -> bool:
    """Whether a file is one that only a copy has."""
    try:
        if name in {MANIFEST, UNFINISHED}:
            return f'"{FORMAT}"'.encode() in tree.head(file.path)
        return bool(ITEMS.fullmatch(name)) and tree.head(file.path).startswith(LINE_START)
    except Unreadable:
        return False
