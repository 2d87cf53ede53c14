"""The lines before a note, read as the few forms of YAML that people write there.

`key: value`, quoted or not, and lists in both of their forms; Logseq's `key:: value` too.
Anchors, aliases, tags and nesting mean nothing here, so no file can make them grow.
"""

import re

__all__ = ["Facts", "split"]

Facts = dict[str, list[str]]
"""What is stated, by lower-case key; a single value is a list of one."""

_LONGEST = 1 << 16
_FENCE = "---"
_ENTRY = re.compile(r"([^\s:#\-][^:\n]{0,99}?)[ \t]*:(?:[ \t]+(.*))?$")
_MEMBER = re.compile(r"[ \t]*-[ \t]+(\S.*)$")
_IN_BRACKETS = re.compile(r'"([^"]*)"|\'([^\']*)\'|([^,\'"\[\]]+)')
_PROPERTY = re.compile(r"([A-Za-z][\w-]{0,99})::[ \t]?([^\n]*)(?:\n|$)")
_BLOCK_SCALARS = frozenset(("|", ">", "|-", ">-", "|+", ">+"))


def split(text: str) -> tuple[Facts, str]:
    """Return what the front matter states and the text behind it.

    Where it is not closed, or is none, everything is text.
    """
    if not text.startswith(_FENCE + "\n"):
        return _properties(text)
    start = len(_FENCE) + 1
    end = text.find("\n" + _FENCE, start - 1, start + _LONGEST)
    if end < 0:
        return {}, text
    after = text.find("\n", end + 1)
    if text[end + 1 : after if after >= 0 else None].rstrip() != _FENCE:
        return {}, text
    return _facts(text[start : end + 1]), text[after + 1 :] if after >= 0 else ""


def _properties(text: str) -> tuple[Facts, str]:
    facts: Facts = {}
    end = 0
    while found := _PROPERTY.match(text, end):
        facts[found[1].lower()] = [found[2].strip()]
        end = found.end()
    return facts, text[end:]


def _facts(block: str) -> Facts:
    facts: Facts = {}
    last: list[str] = []
    for line in block.split("\n"):
        if found := _ENTRY.match(line):
            last = facts[found[1].strip("\"' ").lower()] = _values(found[2] or "")
        elif found := _MEMBER.match(line):
            last.append(_scalar(found[1]))
    return facts


def _values(value: str) -> list[str]:
    value = value.strip()
    if value.startswith("[") and not value.startswith("[["):
        inside = value.partition("]")[0]
        return [name for found in _IN_BRACKETS.findall(inside) if (name := "".join(found).strip())]
    scalar = _scalar(value)
    return [scalar] if scalar and scalar not in _BLOCK_SCALARS else []


def _scalar(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
