"""README.txt of a portable copy: what a stranger needs who finds it in ten years."""

from datetime import datetime

from vault.collectors.copied import Counts

__all__ = ["readme"]

_TEXT = """\
WHAT THIS IS

This folder is a portable copy of one person's vault, made by Twinvault (`twin export`)
on {day}: {items} items (messages, notes, journal entries), in the words in which they
were collected, and what the person said about their use. NOTHING IN IT IS ENCRYPTED.
If it is not yours, please give it back, or delete it.

WHAT IS IN IT

manifest.json       every other file with its size and SHA-256; how many items of which
                    kind from which source. A folder without it is not finished.
items-*.jsonl       the items, in the order in which they were collected. One JSON object
                    a line, UTF-8, in the terms of ActivityStreams 2.0
                    (https://www.w3.org/TR/activitystreams-core/): attributedTo wrote it
                    to the people in `to`, at `published` (UTC); `name` is its title,
                    `content` its text, `context` its conversation.
context.jsonld      the JSON-LD context of these lines: every name in them, also ours.
corrections.jsonl   words that the person later put in the place of an item's text.
statements.jsonl    what the person allowed, forbade, took back, paused, or set a time
                    for, in order. `event` has the form that its `topic` stands for.
attachments/        files that came with items. Each is named by its SHA-256; what it was
                    called and its type stand in the `attachment` of its items.
owner.json          the names and addresses under which the person appears.
models/             models that were taught with the items: weights as safetensors, and
                    in model.json what network they belong to and what they learned from.
papers/             signed receipts and certificates of what was withdrawn or erased.

A file for which there is nothing is not there. Of some attachments (larger than 64 MiB,
or missing when they were collected) only the name, type, size and SHA-256 are known.

HOW TO READ IT

Any program that reads JSON can. In Python, for example:

    import json
    with open("items-00001.jsonl", encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            print(item.get("published"), item.get("content"))

HOW TO PUT IT BACK INTO A VAULT

    twin add THIS_FOLDER                  the items
    twin consent restore THIS_FOLDER      names, corrections and what was said; it asks first
"""


def readme(counts: Counts, now: datetime) -> str:
    """Return the text for a copy with these counts."""
    return _TEXT.format(day=f"{now:%Y-%m-%d}", items=counts.items)
