"""What exports and programs leave in a text, taken out of it: words stay, and stay apart.

A text is gone over until nothing changes. One that still changes after a few rounds was made
to nest for ever, and is left as it is, but for its white space.
"""

import re
from collections.abc import Iterator
from html.entities import html5

from projections.drafts.quoted import own_lines

__all__ = ["standard"]

_ROUNDS = 6

_INVISIBLE = "\u00ad\u180e\u200b\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
_SPACES = "\u00a0\u1680\u202f\u205f\u3000\ufffc" + "".join(map(chr, range(0x2000, 0x200B)))
_ENDS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_SIGNS = {
    **dict.fromkeys(map(ord, _INVISIBLE)),
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _ENDS), "\n"),
}
_SIGN = re.compile(f"[{_INVISIBLE}{_SPACES}{_ENDS}]")
_JOINERS = re.compile("[\u200c\u200d]+")
_LATIN = 0x250
_WHITE = (9, 10, 13)
_CODES = (range(0x20, 0xD800), range(0xE000, 0x110000))  # no controls, no halves of pairs

_FENCED = re.compile(
    r"^([ ]{0,3}(?:```|~~~)[^\n]*\n(?:(?![ ]{0,3}(?:```|~~~))[^\n]*\n)*+[ ]{0,3}(?:```|~~~)[ \t]*)$",
    re.MULTILINE,
)
_TAGS = (
    "a|abbr|article|b|big|blockquote|body|br|center|code|col|dd|del|div|dl|dt|em|figure|font|footer"
    "|h[1-6]|head|header|hr|html|i|img|ins|li|main|mark|nav|ol|p|pre|q|s|section|small|span|strike"
    "|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|wbr"
)
_LINE = re.compile(
    r"</?(?:article|blockquote|br|dd|div|dl|dt|figure|h\d|hr|li|ol|p|pre|section|table|tr|ul)\b"
)
# A code span stays; then links, entities and tags. No alternative looks beyond the next of its kind.
_INLINE = re.compile(
    r"(?P<code>`[^`\n]++`)"
    r"|(?P<link>https?://[^\s<>\"'`()\[\]]++)"
    r"|&(?:(?:amp|#0{0,4}38|#[xX]0{0,4}26);)*(?P<entity>[A-Za-z]{2,8}\d{0,2}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});"
    rf"|(?P<tag></?(?:{_TAGS})(?:\s++[\w:.-]++\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=]++))*+\s*+/?>)",
    re.IGNORECASE,
)
_CLOSING = ".,;:!?)]}\"'»”\u2019…"
_TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|li_fat_id|igshid?"
    r"|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|__hs\w+|vero_id|oly_(?:anon|enc)_id|ref_src|ref_url|s_cid|si"
    r"|spm|wt_mc|_ga|_gl|ved|ei|trk|trackingId|cmpid|feature)\b",
    re.IGNORECASE,
)

_STAMP = re.compile(
    r"^[ \t]*+(?:\[\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:,?[ ]|T)\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
    r"(?:[ ]?[AaPp]\.?[Mm]\.?)?\][ \t]*+)++",
    re.MULTILINE,
)
_MEDIA = (
    "image|photo|picture|video|video note|audio|voice message|sticker|gif|document|contact card|file"
    "|bild|foto|dokument|kontaktkarte|imagen?|imagem|vídeo|áudio|documento|figurinha|vidéo|photo"
    "|fichier|immagine|afbeelding|bestand|obraz|zdjęcie|film|naklejka|plik"
)
_OMITTED = (
    "omitted|weggelassen|ausgelassen|omitid[oa]|ocultad[oa]|ocult[oa]|absente?|omise?|omess[oa]|weggelaten"
    "|pominięt[oaey]"
)
_LEFT_OUT = re.compile(
    rf"^[ \t]*+[<(\[]?(?:(?:{_MEDIA})[ ](?:{_OMITTED})|pominięto[ ](?:{_MEDIA}))[>)\]]?[ \t]*$\n?"
    r"|^[ \t]*+\S[^\n()]{0,250}\.\w{2,5}[ ]\((?:file attached|Datei angehängt|fichier joint"
    r"|archivo adjunto|arquivo anexado|ficheiro anexado|file allegato|bestand bijgevoegd"
    r"|plik załączony|załączono plik)\)[ \t]*$\n?"
    r"|<(?:Media omitted|Medien ausgeschlossen|Médias omis|Multimedia omitido|Archivo omitido"
    r"|Mídia oculta|Arquivo de mídia oculto|Ficheiro não revelado|Media omessi|Media weggelaten"
    r"|Pominięto multimedia)>"
    r"|<(?:attached|Anhang|adjunto|pièce jointe|allegato|anexado|bijgevoegd|załączono)[ ]?:[^<>\n]{1,255}>"
    r"|\[(?:cid|image|Bild|imagen?|imagem|immagine|afbeelding|obraz):[ ]?[^\[\]\n]{1,255}\]"
    r"|^[ \t]*+\((?:file attached|attachment|Anhang|pièce jointe|adjunto|anexo|allegato|bijlage"
    r"|załącznik)\)[ \t]*$\n?",
    re.IGNORECASE | re.MULTILINE,
)
_MAY_BE_LEFT_OUT = re.compile(r"[<(\[]|omi|weg|aus|ocult|absent|omess", re.IGNORECASE)
_TRAILING = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)
_EMPTY = re.compile(r"\n{3,}")


def standard(text: str) -> str:
    """Return the words of a text without what programs put between them.

    That are invisible signs, other spaces and line ends; left-over entities and tags of HTML;
    what links carry for tracking; times at the beginnings of lines; placeholders of
    attachments; quoted mail with its header, and the signature. Code stays as it is. It is
    idempotent, joins no words, and costs no more than its length, whatever the text.
    """
    first = text = _plain(text)
    for _ in range(_ROUNDS):
        done = _once(text)
        if done == text:
            return text
        text = _plain(done)
    return first


def _plain(text: str) -> str:
    """Make line ends and spaces what they are elsewhere, and drop what nobody sees."""
    if text.isprintable() and text.isascii():
        return text
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if _SIGN.search(text):
        text = text.translate(_SIGNS)
    return _JOINERS.sub(_joiners, text) if "\u200c" in text or "\u200d" in text else text


def _joiners(found: "re.Match[str]") -> str:
    """Keep joiners where they shape letters or pictures, which no Latin letter does."""
    before, after = _around(found)
    return found[0] if before and after and min(ord(before), ord(after)) >= _LATIN else ""


def _around(found: "re.Match[str]") -> tuple[str, str]:
    """Return the signs before and behind what was found; nothing at the ends of the text."""
    start, end = found.span()
    return found.string[max(0, start - 1) : start], found.string[end : end + 1]


def _once(text: str) -> str:
    if "```" in text or "~~~" in text:
        parts = _FENCED.split(text)
        parts[::2] = map(_prose, parts[::2])
        text = "".join(parts)
    else:
        text = _prose(text)
    return own_lines(text).strip("\n").rstrip()


def _prose(text: str) -> str:
    if "<" in text or "&" in text or "://" in text:
        text = _INLINE.sub(_inline, text)
    if "[" in text:
        text = _STAMP.sub("", text)
    if _MAY_BE_LEFT_OUT.search(text):
        text = _LEFT_OUT.sub(_nothing, text)
    if " \n" in text or "\t\n" in text:
        text = _without_trailing(text)
    return _EMPTY.sub("\n\n", text) if "\n\n\n" in text else text


def _without_trailing(text: str) -> str:
    """Drop spaces at line ends, but for the one that announces a signature."""
    return _TRAILING.sub(lambda one: " " if _opens_signature(one) else "", text)


def _opens_signature(found: "re.Match[str]") -> bool:
    start = found.start()
    return found[0] == " " and found.string[max(0, start - 3) : start] in {"\n--", "--"}


def _nothing(found: "re.Match[str]") -> str:
    """Leave a space where what is gone stood between words."""
    return _apart(found, "\n" if found[0].endswith("\n") else "")


def _inline(found: "re.Match[str]") -> str:
    if found["link"]:
        return _untracked(found["link"])
    if found["entity"]:
        return _entity(found)
    if found["tag"]:
        return _apart(found, "\n" if _LINE.match(found["tag"].lower()) else "")
    return found[0]


def _apart(found: "re.Match[str]", instead: str) -> str:
    """Return what takes the place of a mark, so that the words around it are not joined."""
    if instead:
        return instead
    before, after = _around(found)
    if not before.strip() or not after.strip() or after in _CLOSING:
        return ""
    return " "


def _entity(found: "re.Match[str]") -> str:
    name = found["entity"]
    if name[0] != "#":
        return html5.get(f"{name};", found[0])
    code = int(f"0{name[1:]}", 16) if name[1] in "xX" else int(name[1:])
    is_sign = code in _WHITE or any(code in codes for codes in _CODES)
    return chr(code) if is_sign else found[0]


def _untracked(link: str) -> str:
    """Return a link without what says who followed it, from where."""
    address, mark, query = link.partition("?")
    if not mark or not _TRACKING.search(query):
        return link
    body = query.rstrip(".,;:!?")
    asked, hash_, fragment = body.partition("#")
    kept = "&".join(_kept(asked))
    after = f"{hash_}{fragment}{query[len(body) :]}"
    return f"{address}?{kept}{after}" if kept else f"{address}{after}"


def _kept(query: str) -> Iterator[str]:
    return (one for one in query.split("&") if not _TRACKING.fullmatch(one.partition("=")[0]))
