"""A page of Notion, out of its Markdown or its HTML, and the rows of a database.

Properties stand on top of the Markdown as `Key: value`, in a table of the HTML, and in the
columns of a CSV. Which of them is the time or the tags is told by name, in the languages
of the application.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vault.collectors.readers import markup
from vault.collectors.readers.headings import stated
from vault.collectors.readers.text import clean, decode
from vault.collectors.readers.time import When, parse_iso

__all__ = [
    "Page",
    "Properties",
    "columns",
    "from_html",
    "from_markdown",
    "rows",
    "tags_of",
    "when_of",
]

Properties = dict[str, str]

_MOST_PROPERTIES = 200
_PROPERTY = re.compile(r"([^\s:#>|`\-*\[][^:\n]{0,99}):(?:[ \t]+([^\n]*))?$")
_LOCAL = re.compile(
    r"(!?)\[([^\[\]\n]{0,300})\]\((?![a-z][a-z0-9+.-]*:)"
    r"([^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,500})?)\)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PAGES = (".md", ".csv", ".html")
_CREATED, _DATE, _EDITED, _TAGS = (
    frozenset(name for part in names for name in part.split("|"))
    for names in (
        (
            "created|created time|created at|created on|date created|creation date|erstellt|erstellt am",
            "erstellungsdatum|erstellungszeit|créé|créé le|date de création|creado|fecha de creación",
            "hora de creación|creato|data di creazione|criado|criado em|data de criação|gemaakt",
            "gemaakt op|utworzono|data utworzenia|作成日時|作成日|생성 일시|생성일|创建时间|創建時間",
        ),
        ("date|day|datum|tag der aufnahme|jour|fecha|data|dag|dzień|日付|날짜|日期",),
        (
            "last edited|last edited time|edited|updated|last updated|zuletzt bearbeitet|bearbeitet",
            "dernière modification|última edición|última edição|ultima modifica|laatst bewerkt",
            "最終更新日時|최종 편집 일시|上次编辑时间",
        ),
        (
            "tags|tag|labels|label|keywords|categories|category|topics|schlagwörter|schlagworte",
            "kategorie|étiquettes|étiquette|catégorie|etiquetas|etiqueta|categoría|categoria",
            "etichette|etykiety|trefwoorden|タグ|태그|标签|標籤",
        ),
    )
)
_KNOWN = _CREATED | _DATE | _EDITED | _TAGS


@dataclass(slots=True)
class Page:
    """What a page says: `text` as it stands, `words` as its reader sees them."""

    id: str
    title: str
    text: str
    words: str
    properties: Properties = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def from_markdown(data: bytes, columns: frozenset[str] | None) -> Page:
    """Read a page of a Markdown export.

    Args:
        data: The file.
        columns: The columns of the database whose row the page is, None where it is of none:
            then lines are properties only if one of them has a name that is known.
    """
    text = clean(decode(data)).strip("\n")
    title = markup.heading(text)
    body = text.partition("\n")[2].lstrip("\n") if title else text
    properties, rest = _properties(body, columns)
    words, files = _readable(rest)
    return Page("", title, text, words, properties, files)


def _properties(body: str, columns: frozenset[str] | None) -> tuple[Properties, str]:
    """Return the lines of properties with which a row of a database begins, and the rest.

    A value may go on in the next line, which only the columns of the database can tell.
    """
    block, _, rest = body.partition("\n\n")
    found: Properties = {}
    last = ""
    for line in block.split("\n")[:_MOST_PROPERTIES]:
        stated_here = _PROPERTY.match(line)
        name = stated_here[1].strip() if stated_here else ""
        if stated_here and (columns is None or name.lower() in columns):
            found[last := name] = (stated_here[2] or "").strip()
        elif last and columns is not None:
            found[last] += f"\n{line}"
        else:
            return {}, body
    is_ours = columns is not None or any(name.lower() in _KNOWN for name in found)
    return (found, rest.lstrip("\n")) if is_ours else ({}, body)


def _readable(text: str) -> tuple[str, list[str]]:
    """Return the words, with links to other pages as their names, and the files linked to."""
    files: list[str] = []

    def link(found: re.Match[str]) -> str:
        if _is_file(found[3]):
            files.append(found[3])
        return "" if found[1] else found[2]

    words = _LOCAL.sub(link, text) if "](" in text else text
    return markup.words(words).strip("\n"), list(dict.fromkeys(files))


def from_html(data: bytes) -> Page:
    """Read a page of an HTML export."""
    # Imported where it is needed: the usual export is Markdown.
    from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415

    from vault.collectors.readers.html import read_html  # noqa: PLC0415

    document = LexborHTMLParser(decode(data).replace("\0", ""))
    article = document.css_first("article.page, body > .page[id]")
    heading = document.css_first("h1.page-title, title")
    title = " ".join(clean(heading.text()).split()) if heading is not None else ""
    properties: Properties = {}
    for row in document.css("table.properties tr.property-row")[:_MOST_PROPERTIES]:
        name, value = row.css_first("th"), row.css_first("td")
        if name is not None and value is not None:
            chosen = value.css(".selected-value, time") or [value]
            said = ", ".join(" ".join(clean(one.text()).split()) for one in chosen)
            properties[" ".join(clean(name.text()).split())] = said
    body = document.css_first(".page-body")
    words = clean(read_html((body.html or "").encode()).text) if body is not None else ""
    links = body.css("img[src], a[href]") if body is not None else []
    files = [node.attributes.get("src") or node.attributes.get("href") or "" for node in links]
    on_top = "\n".join(f"{name}: {value}" for name, value in properties.items())
    return Page(
        id=((article.attributes.get("id") or "") if article is not None else "").replace("-", ""),
        title=title,
        text="\n\n".join(filter(None, (f"# {title}" if title else "", on_top, words))),
        words=words,
        properties=properties,
        files=[file for file in dict.fromkeys(files) if _is_file(file)],
    )


def _is_file(link: str) -> bool:
    """Whether a link leads to a file of the export that is no page."""
    path = link.partition("#")[0]
    return bool(path) and not _SCHEME.match(path) and not path.lower().endswith(_PAGES)


def columns(head: bytes) -> frozenset[str]:
    """Return the names of a database's properties, in lower case."""
    return frozenset(name.lower() for name in next(_lines(head), (0, []))[1])


def rows(data: bytes) -> Iterator[tuple[int, Properties | None]]:
    """Yield the rows of a database by the line where they end; None for one that is broken."""
    names: list[str] = []
    for line, row in _lines(data):
        if not names:
            names = row
        elif len(row) == len(names):
            yield line, dict(zip(names, row, strict=True))
        else:
            yield line, None


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(decode(data), newline=""))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, []
        else:
            if row:
                yield reader.line_num, [clean(value).strip() for value in row]


def when_of(properties: Properties) -> When | None:
    """Return when a page was made, by its properties."""
    for names in (_CREATED, _DATE, _EDITED):
        for name, value in properties.items():
            if name.lower() in names and (when := stated(value) or parse_iso(value)):
                return when
    return None


def tags_of(properties: Properties) -> tuple[str, ...]:
    """Return the tags that a page has by its properties."""
    found = [value.split(",") for name, value in properties.items() if name.lower() in _TAGS]
    return markup.tags(tag for tags in found for tag in tags)
