"""One mail message: its own words apart from what it quotes, and HTML as text."""

import re

from selectolax.lexbor import LexborHTMLParser

from vault.collectors.readers.mail import words

__all__ = ["html_text", "own_words"]

_QUOTED = re.compile(r"(?:\n[ \t]{0,8}>[^\n]*)+")
_SHOWN = 300
_LAST_LINES = 6
_LOOK_AHEAD = 4


def own_words(text: str) -> str | None:
    """Return what the author wrote, without quoted replies and signature.

    The text is gone through once from one suspicious line to the next, so that none
    costs more than its length.

    Returns:
        None where that is everything.
    """
    lines = f"\n{text}\n"
    found = words.SUSPECT.search(lines)
    if found is None:
        return None
    kept = []
    at = 0
    while found:
        start = found.start()
        if quotation := _QUOTED.match(lines, start):
            kept.append(_without_announcement(lines[at:start]))
            at = quotation.end()
            found = words.SUSPECT.search(lines, at)
        elif _ends_here(lines, start + 1):
            kept.append(lines[at:start])
            at = len(lines)
            break
        else:
            found = words.SUSPECT.search(lines, start + 1)
    kept.append(lines[at:])
    own = "".join(kept).strip("\n")
    return None if own == text.strip("\n") else own


def _following(lines: str, start: int, count: int) -> list[str]:
    """Return the beginnings of so many lines, and fewer only where the text ends."""
    found: list[str] = []
    while len(found) < count and 0 <= start < len(lines):
        end = lines.find("\n", start)
        end = len(lines) if end < 0 else end
        found.append(lines[start : min(end, start + _SHOWN)].strip())
        start = end + 1
    return found


def _ends_here(lines: str, start: int) -> bool:
    """Whether a signature or a whole quoted message begins at a line."""
    shown, *after = _following(lines, start, _LAST_LINES + 1)
    if shown == "--":
        return True
    if shown[:2] == "--":
        return words.RULES.match(shown) is not None
    if shown[:2] == "__":
        return words.RULES.match(shown) is not None and _is_header(after)
    if words.FROM.match(shown):
        return _is_header(after)
    if words.BEGINS.match(shown):
        return True
    return len(after) < _LAST_LINES and words.PHONES.match(shown) is not None


def _is_header(following: list[str]) -> bool:
    """Whether lines look like the header that Outlook puts over a quotation."""
    return any(words.HEADERS.match(line) for line in following[:_LOOK_AHEAD])


def _without_announcement(before: str) -> str:
    """Take away `On …, somebody wrote:` (one or two lines) at the end, before a quotation."""
    text = before.rstrip()
    border = text.rfind("\n") + 1
    if not words.WROTE.search(text[border:][-_SHOWN:]):
        return before
    if words.OPENS.match(text[border : border + _SHOWN].lstrip()):
        return text[:border]
    text = text[:border].rstrip()
    border = text.rfind("\n") + 1
    line = text[border : border + _SHOWN].strip()
    return text[:border] if words.OPENS.match(line) and line[-1] not in ".!?" else text + "\n"


_BREAK = "\ue000"
# The sign itself is the pattern and the names stand behind it, which costs a third.
_ENDS_LINE = re.compile(
    r"<(?=[bhBH][rR]\b|/(?:p|P|div|DIV|li|LI|tr|TR|[hH][1-6]|blockquote|BLOCKQUOTE|table|TABLE|"
    r"ul|UL|ol|OL|pre|PRE|dt|DT|dd|DD)\b)"
)
_QUOTES = "blockquote, div.gmail_quote, div.gmail_extra, div.yahoo_quoted, div.moz-cite-prefix"
_MAY_QUOTE = ("blockquote", "gmail_", "yahoo_", "moz-cite")
_MANY_LINES = re.compile(r"\n{3,}")


def html_text(html: str) -> tuple[str, str | None]:
    """Return the text of an HTML message, and its text without quotations if there are any."""
    # Line ends of the source are spaces; what the tags mean is marked before they are gone.
    marked = _ENDS_LINE.sub(_BREAK + "<", " ".join(html.split()))
    document = LexborHTMLParser(marked)
    document.strip_tags(["script", "style", "title", "template", "noscript"])
    whole = _lines_of(document)
    lower = marked.lower()
    quoted = document.css(_QUOTES) if any(word in lower for word in _MAY_QUOTE) else []
    if not quoted:
        return whole, None
    for node in quoted:
        node.decompose()
    return whole, _lines_of(document)


def _lines_of(document: LexborHTMLParser) -> str:
    body = document.body
    text = body.text() if body is not None else ""
    lines = (line.strip(" ") for line in text.replace("\u00a0", " ").split(_BREAK))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip()
