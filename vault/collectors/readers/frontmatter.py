"""The lines before a note, read as the few forms of YAML that people write there.

`key: value`, quoted or not, and lists, of which the words are joined. Anchors, aliases,
tags and nesting mean nothing here, so no file can make them grow.
"""

import re

__all__ = ["split"]

_LONGEST = 1 << 16
_FENCE = "---"
_ENTRY = re.compile(r"([^\s:#\-][^:\n]{0,99}?)[ \t]*:(?:[ \t]+(.*))?$")


def split(text: str) -> tuple[dict[str, str], str]:
    """Return what the front matter states and the text behind it.

    Where it is not closed, or is none, everything is text.
    """
    if not text.startswith(_FENCE + "\n"):
        return {}, text
    start = len(_FENCE) + 1
    end = text.find("\n" + _FENCE, start - 1, start + _LONGEST)
    if end < 0:
        return {}, text
    after = text.find("\n", end + 1)
    if text[end + 1 : after if after >= 0 else None].rstrip() != _FENCE:
        return {}, text
    return _facts(text[start : end + 1]), text[after + 1 :] if after >= 0 else ""


def _facts(block: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in block.split("\n"):
        found = _ENTRY.match(line)
        if found:
            facts[found.group(1).strip("\"' ").lower()] = _scalar(found.group(2) or "")
    return facts


def _scalar(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
