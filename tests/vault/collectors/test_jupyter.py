import json
import os
import tracemalloc
from datetime import UTC, datetime

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.sources.jupyter import SOURCE
from vault.items import Bad, Content, Item, Precision

WORDS = {
    "cell_type": "markdown",
    "metadata": {},
    "source": ["# Tides\n", "\n", "They come #daily.\n"],
}
CODE = {
    "cell_type": "code",
    "execution_count": 1,
    "metadata": {},
    "source": "print('tide')  # high\n",
    "outputs": [{"output_type": "stream", "name": "stdout", "text": ["the tide is secret\n"]}],
}
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "version": "3.11"},
}


def notebook(*cells, **metadata):
    return {"cells": list(cells), "metadata": KERNEL | metadata, "nbformat": 4, "nbformat_minor": 5}


def read(path, kind=Item | Bad):
    tree = grow(path)
    books = tree.sub(file for file in tree if file.suffix == ".ipynb")
    records = list(SOURCE.read(books, None, frozenset()))
    assert list(SOURCE.read(books, None, frozenset())) == records
    return [record for record in records if isinstance(record, kind)]


def one(tmp_path, content, name="a.ipynb"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    (record,) = read(path)
    return record


def test_a_notebook_is_its_words_and_code_without_what_came_out(tmp_path, gather):
    (tmp_path / "nb").mkdir()
    raw = {"cell_type": "raw", "source": "as it is"}
    (tmp_path / "nb" / "2024-01-05 sea.ipynb").write_text(json.dumps(notebook(WORDS, CODE, raw)))
    gathered = gather(tmp_path / "nb")
    (item,) = gathered.items
    assert (item.type, item.native_id, item.conversation, item.title) == (
        "document.note",
        "nb/2024-01-05 sea.ipynb",
        "nb/2024-01-05 sea",
        "Tides",
    )
    assert item.text == (
        "# Tides\n\nThey come #daily.\n\n```python\nprint('tide')  # high\n```\n\nas it is"
    )
    assert item.own_text == "# Tides\n\nThey come #daily.\n\nas it is"
    assert (item.at, item.precision) == (datetime(2024, 1, 5, tzinfo=UTC), Precision.DAY)
    assert (item.tags, item.sent) == (("daily",), True)


def test_a_notebook_of_the_older_format_reads_the_same(tmp_path):
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Tides"]},
        {"cell_type": "code", "input": ["1 + 3\n", "2"], "language": "julia", "outputs": []},
    ]
    old = {
        "metadata": {"name": "Old"},
        "nbformat": 3,
        "worksheets": [{"cells": cells}, {"cells": cells[:1]}],
    }
    item = one(tmp_path, old)
    assert item.text == "## Tides\n\n```julia\n1 + 3\n2\n```\n\n## Tides"
    assert (item.own_text, item.title) == ("## Tides\n\n## Tides", "Old")
    assert item.at == datetime.fromtimestamp(1_000_000_000, UTC)


def test_code_with_fences_in_it_stays_code(tmp_path):
    item = one(tmp_path, notebook(CODE | {"source": 'a = "```"'}))
    assert item.text == '````python\na = "```"\n````'
    assert item.own_text == ""


@pytest.mark.parametrize(
    ("metadata", "title", "at"),
    [
        ({}, "a", "2001-09-09T01:46:40+00:00"),
        ({"title": "Sea", "date": "2024-01-05T10:00:00+01:00"}, "Sea", "2024-01-05T09:00:00+00:00"),
        ({"title": 7, "created": [], "language_info": 7}, "a", "2001-09-09T01:46:40+00:00"),
    ],
)
def test_what_the_metadata_states_is_taken_where_it_is_said_as_usual(tmp_path, metadata, title, at):
    item = one(tmp_path, notebook(CODE, **metadata))
    assert (item.title, item.at.isoformat()) == (title, at)


def test_a_picture_beside_a_notebook_is_its_attachment(tmp_path):
    (tmp_path / "tide.png").write_bytes(b"PNG")
    (tmp_path / "a.ipynb").write_text(
        json.dumps(notebook({"cell_type": "markdown", "source": "high ![tide](tide.png) low"}))
    )
    item, content = read(tmp_path, Item | Content)
    assert [one.name for one in item.attachments] == ["tide.png"]
    assert (content.data, item.own_text) == (b"PNG", "high  low")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"cells": [', "it is broken or cut off JSON"),
        ('{"nbformat": 4}', "it is no notebook"),
        ('{"nbformat": 4, "cells": {}}', "it is of another shape than such files have"),
        ('{"cells": [{"source": [1]}]}', "it is of another shape than such files have"),
        (
            json.dumps(notebook(*[CODE | {"source": "x" * (1 << 20)}] * 17)),
            "there are more than 16 MiB of text in it",
        ),
    ],
)
def test_a_broken_notebook_is_told(tmp_path, content, reason):
    assert one(tmp_path, content) == Bad(locator="a.ipynb", reason=reason)


def test_what_came_out_costs_next_to_nothing_however_much_it_is(tmp_path):
    images = [{"output_type": "display_data", "data": {"image/png": "A" * (1 << 20)}}] * 8
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook(WORDS, CODE | {"outputs": images})))
    tree = grow(path)
    tracemalloc.start()
    list(SOURCE.read(tree, None, frozenset()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * path.stat().st_size
