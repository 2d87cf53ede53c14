"""Pages: the words that their reader sees, with headings, lists and tables.

Scripts, styles, navigation and forms are no words. Of a page that says which part of it is
the article, that part is read.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from vault.collectors.readers.document import Blocks, Document, people
from vault.collectors.readers.text import decode
from vault.collectors.readers.tree import Unreadable

__all__ = ["looks_like_html", "nests_too_deeply", "read_html"]

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_DECLARED = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{2,40})")
_SAVED = re.compile(r"\s*saved from url=|\s*Page saved with SingleFile", re.IGNORECASE)
_BEGINS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = 4096
_ENOUGH = 200
_DEEPEST = 5000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_NOT_NESTED = frozenset(
    (
        *("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "br"),
        *("img", "input", "meta", "link", "hr", "area", "base", "col", "embed", "param"),
        *("source", "track", "wbr", "path", "use", "rect", "circle", "line", "polygon"),
    )
)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_LEFT_OUT = (
    *("script", "style", "template", "noscript", "nav", "svg", "math", "iframe", "object"),
    *("select", "button", "textarea", "datalist", "dialog", "head"),
)
_PARAGRAPHS = frozenset(
    (
        *("p", "div", "section", "article", "main", "header", "footer", "aside", "blockquote"),
        *("ul", "ol", "dl", "table", "figure", "figcaption", "address", "form", "fieldset"),
        *("details", "summary", "hr", "body", "center", "caption", "dt", "dd", "pre", "li", "tr"),
    )
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_CREATED = (
    *("article:published_time", "datepublished", "dc.date.created", "dcterms.created"),
    *("dc.date", "dcterms.date", "date", "created", "pubdate"),
)
_MODIFIED = ("article:modified_time", "datemodified", "dcterms.modified", "last-modified")
_AUTHOR = ("author", "article:author", "dc.creator", "dcterms.creator")
_TITLE = ("og:title", "dc.title")


def looks_like_html(head: bytes) -> bool:
    """Whether a file begins as pages do, whatever its name."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = decode(head).encode()
    return _BEGINS.match(head) is not None


def nests_too_deeply(html: str) -> bool:
    """Whether elements lie in each other so deeply that parsing them costs its square."""
    depth = 0
    for closes, name in _TAG.findall(html):
        if name.lower() not in _NOT_NESTED:
            depth = max(0, depth - 1) if closes else depth + 1
            if depth > _DEEPEST:
                return True
    return False


def read_html(data: bytes) -> Document:
    """Return the text of a page and what its head says of it.

    Raises:
        Unreadable: It is nested too deeply, or its text is too long.
    """
    found = _CHARSET.search(data, 0, _HEAD) or _DECLARED.search(data, 0, _HEAD)
    html = decode(data, found.group(1).decode("ascii") if found else None)
    if nests_too_deeply(html):
        raise Unreadable("it is nested too deeply")
    page = LexborHTMLParser(html.replace("\0", ""))
    facts = _facts(page)
    published = "og:url" in facts or _was_saved(page) or page.css_first("link[rel=canonical]")
    title = page.css_first("title")
    root = page.root
    stated = title.text() if title is not None else ""
    return Document(
        text=_text(page),
        title=stated.strip() or _first(facts, _TITLE),
        authors=people(name for key in _AUTHOR if "//" not in (name := facts.get(key, ""))),
        created=_first(facts, _CREATED),
        modified=_first(facts, _MODIFIED),
        language=(root.attributes.get("lang") or "") if root is not None else "",
        keywords=facts.get("keywords", "") if not published else "",
        published=bool(published),
    )


def _first(facts: dict[str, str], names: tuple[str, ...]) -> str:
    return next((facts[name] for name in names if facts.get(name)), "")


def _facts(page: LexborHTMLParser) -> dict[str, str]:
    facts: dict[str, str] = {}
    for meta in page.css("meta"):
        stated = meta.attributes
        name = stated.get("name") or stated.get("property") or stated.get("itemprop") or ""
        facts.setdefault(name.lower(), (stated.get("content") or "").strip())
    return facts


def _was_saved(page: LexborHTMLParser) -> bool:
    """Whether a browser has noted from where it saved the page."""
    node = page.root.prev if page.root is not None else None
    nodes = [node, page.root.first_child if page.root is not None else None]
    return any(
        one is not None and one.tag == "-comment" and _SAVED.match(one.comment_content or "")
        for one in nodes
    )


def _text(page: LexborHTMLParser) -> str:
    for node in page.css("[hidden], [role=navigation]"):
        node.decompose()
    page.strip_tags(list(_LEFT_OUT))
    for name in ("main", "article"):
        parts = page.css(name)
        if len(parts) == 1 and len(text := _Walk().over(parts[0])) >= _ENOUGH:
            return text
    return _Walk().over(page.body) if page.body is not None else ""


class _Walk:
    """One walk over a page, without recursion: pages nest as deeply as they like."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._line: list[str] = []
        self._mark = ""
        self._kind = ""
        self._lists: list[int | None] = []
        self._tables = 0
        self._verbatim = 0

    def over(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        while node is not None:
            self._enter(node)
            following = node.first_child
            while following is None and node is not None:
                self._leave(node)
                if node.mem_id == root.mem_id:
                    node = None
                else:
                    following = node.next
                    node = node.parent if following is None else node
            node = following
        self._flush()
        return str(self._blocks)

    def _enter(self, node: LexborNode) -> None:
        name = node.tag or ""
        if name == "-text":
            text = (node.text_content or "").replace("\u00a0", " ")
            self._line.append(text if self._verbatim else _SPACES.sub(" ", text))
        elif name == "br":
            self._line.append("\n")
        elif name in _HEADINGS or name in _PARAGRAPHS:
            self._flush()
            self._begin(name)
        elif name in {"td", "th"} and node.prev is not None and any(self._line):
            self._line.append("\ue000")

    def _begin(self, name: str) -> None:
        if name in _HEADINGS:
            self._mark, self._kind = _HEADINGS[name], ""
        elif name in {"ul", "ol"}:
            self._lists.append(0 if name == "ol" else None)
        elif name == "li":
            self._mark, self._kind = self._item(), "list"
        elif name == "table":
            self._tables += 1
        elif name == "tr":
            self._kind = f"table {self._tables}"
        elif name == "pre":
            self._verbatim += 1

    def _item(self) -> str:
        if not self._lists:
            return "- "
        number = self._lists[-1]
        if number is not None:
            self._lists[-1] = number + 1
        indent = "  " * min(len(self._lists) - 1, 8)
        return indent + ("- " if number is None else f"{number + 1}. ")

    def _leave(self, node: LexborNode) -> None:
        name = node.tag or ""
        if name in _HEADINGS or name in _PARAGRAPHS:
            self._flush()
            self._mark = self._kind = ""
        if name in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif name == "pre":
            self._verbatim -= 1

    def _flush(self) -> None:
        text = "".join(self._line)
        self._line.clear()
        if not text.strip():
            return
        if not self._verbatim:
            lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
            text = "\n".join(lines).strip()
        cells = [" ".join(cell.split()) for cell in text.split("\ue000")]
        if len(cells) > 1:
            text = " | ".join(cells)
        if self._mark.startswith("#"):
            text = " ".join(text.split())
        self._blocks.add(self._mark + text, self._kind)
        self._mark = ""
