"""Write the test vectors: `.venv/bin/python specs/make_vectors.py`.

Nothing of the program is used: what these files say follows from the documents alone, so a
program that reads them all alike agrees with the documents, not with us.
"""  # noqa: INP001 - a folder of specifications, not a package

from pathlib import Path

from cases import checkpoints, entries, events, keys, logs, mirrors, proofs, trees

_PARTS = (keys, events, entries, trees, checkpoints, logs, proofs, mirrors)
_FOLDER = Path(__file__).with_name("vectors")


def texts() -> dict[str, str]:
    """Return the text of every vector by the name of its file."""
    made = [case for part in _PARTS for case in part.cases()]
    found = {case.path: case.text() for case in made}
    assert len(found) == len(made), "two cases have one name"
    return found


def main() -> None:
    """Write what changed and remove what is no case any more."""
    wanted = texts()
    for path in _FOLDER.rglob("*.txt"):
        if str(path.relative_to(_FOLDER)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = _FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


if __name__ == "__main__":
    main()
