"""Markdown as its reader sees it: the words, the files that are shown, the hashtags.

Wikilinks, embeds, block ids and comments are Obsidian's. No expression here runs longer
than its line or a fixed number of characters, except to the one end that closes it.
"""

import re
from collections.abc import Iterable

__all__ = ["heading", "shown_files", "tags", "words"]

_MOST_SHOWN = 200
_MOST_TAGS = 200
_LONGEST_TAG = 100
_EMBED = re.compile(r"!\[\[([^\[\]|#\n]{1,300})(?:[#|][^\[\]\n]{0,300})?\]\]")
_IMAGE = re.compile(
    r"!\[[^\[\]\n]{0,300}\]\((?:<([^<>\n]{1,500})>|([^()\s]{1,500}(?:\([^()\s]{0,100}\)[^()\s]{0,200})?))"
    r"(?:[ \t]+[\"'][^\n\"']{0,300}[\"'])?\)"
)
_WIKILINK = re.compile(r"\[\[([^\[\]|\n]{1,300})(?:\|([^\[\]\n]{0,300}))?\]\]")
_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_BLOCK_ID = re.compile(r"[ \t]\^[A-Za-z0-9-]{1,64}$", re.MULTILINE)
_HEADING = re.compile(r"#[ \t]+(\S[^\n]{0,300})")
_CODE = re.compile(
    r"^[ \t]{0,3}(```|~~~)[^\n]*\n.*?^[ \t]{0,3}\1|`[^`\n]*`", re.DOTALL | re.MULTILINE
)
_HASHTAG = re.compile(r"(?<!\S)#(?:([^\W_][\w/-]*)|\[\[([^\[\]\n]{1,100})\]\])")


def heading(text: str) -> str:
    """Return the heading with which a note begins, or nothing."""
    found = _HEADING.match(text)
    return found[1].strip().rstrip("#").strip() if found else ""


def words(text: str) -> str:
    """Return what a reader of the note sees of its words."""
    if "[[" not in text and "%%" not in text and "![" not in text and " ^" not in text:
        return text
    text = _COMMENT.sub("", text)
    text = _IMAGE.sub("", _EMBED.sub("", text))
    text = _WIKILINK.sub(lambda link: link[2] or link[1].rpartition("/")[2], text)
    return _BLOCK_ID.sub("", text).strip("\n")


def shown_files(text: str) -> list[str]:
    """Return the names of the files that a note embeds, as they stand there."""
    images = [angled or bare for angled, bare in _IMAGE.findall(text)]
    return list(dict.fromkeys([*_EMBED.findall(text), *images]))[:_MOST_SHOWN]


def tags(stated: Iterable[str], text: str = "") -> tuple[str, ...]:
    """Return the tags of a note, each once: those stated about it, then the `#tags` in it.

    Code has none, nor has a number: `#12` is an issue somewhere.
    """
    inline = [
        plain.rstrip("/-") or linked
        for plain, linked in (_HASHTAG.findall(_CODE.sub("", text)) if "#" in text else ())
        if not plain.isdigit()
    ]
    found: dict[str, str] = {}
    for name in (*stated, *inline):
        tag = " ".join(name.strip().strip("[]#\"'").split())
        if 0 < len(tag) <= _LONGEST_TAG:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:_MOST_TAGS]
