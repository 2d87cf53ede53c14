"""Where a text stops being its author's: quoted mail, its header, the signature.

Collectors leave this away where they know mail when they see it; here it is what people copy
into notes and chats, and what other sources bring. Headers are those that mail programs write
in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.
"""

import re
from collections.abc import Sequence

__all__ = ["own_lines"]

_SUSPECT = re.compile(
    r"^(?:-- $|[ \t]*(?:-{2,}|_{10,}|On|Am|Le|El|Em|Il|Op|W[ ]dniu|Dnia|Begin forwarded|Anfang der"
    r"|Début du|Inicio del|Início da|Inizio (?:del )?messaggio|Begin doorgestuurd|\*?(?:From|Von|De"
    r"|Da|Van|Od)\*?[ ]?:))",
    re.MULTILINE,
)
_RULE = re.compile(
    r"[ \t]*-{2,}[ ]*(?:Original Message|Forwarded message|Ursprüngliche Nachricht"
    r"|Original-Nachricht|Weitergeleitete Nachricht|Message d.origine|Message transféré"
    r"|Mensaje original|Mensaje reenviado|Forwarded by|Messaggio originale|Messaggio inoltrato"
    r"|Mensagem original|Mensagem encaminhada|Oorspronkelijk bericht|Doorgestuurd bericht"
    r"|Wiadomość oryginalna|Oryginalna wiadomość|(?:Wiadomość )?przekazana wiadomość"
    r"|Wiadomość przekazana)",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[ \t]*(?:Begin forwarded message|Anfang der weitergeleiteten Nachricht"
    r"|Début du message (?:transféré|réexpédié)|Inicio del mensaje reenviado"
    r"|Início da mensagem (?:encaminhada|reencaminhada)|Inizio (?:del )?messaggio inoltrato"
    r"|Begin doorgestuurd bericht)\s?:\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"[ \t]*\*?(?:From|Von|De|Da|Van|Od)\*?\s?:\*?\s?\S")
_MORE = re.compile(
    r"[ \t]*\*?(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Enviada"
    r"(?: em)?|Fecha|Para|Asunto|Inviato|Data|A|Oggetto|Assunto|Verzonden|Aan|Onderwerp|Wysłano|Do"
    r"|DW|Temat)\*?\s?:"
)
_OPENS = re.compile(r"[ \t]*(?:On|Am|Le|El|Em|Il|Op|W dniu|Dnia)\b")
_WROTE = re.compile(
    r"\b(?:wrote|schrieb|écrit|escribió|escreveu|ha scritto|schreef|napisał(?:a|\(a\))?)\b"
)
_WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}")
_LONGEST = 400
_RULED = re.compile(r"_{10,}\s*$")
_HEADER_LINES = 6
_LEAST_MORE = 2
_SIGNATURE_LINES = 12


def own_lines(text: str) -> str:
    """Return a text without quoted mail, the headers before it, and the signature.

    Quotations that a header announces are left away; from a forwarded message on, or behind a
    header that no quotation marks follow, everything is another's.
    """
    if _SUSPECT.search(text) is None:
        return text
    lines = text.split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _ends(lines, at):
            break
        announced = _announces(lines, at)
        if announced:
            at = _quoted(lines, at + announced)
        else:
            kept.append(lines[at])
            at += 1
    return "\n".join(_without_signature(kept))


def _ends(lines: Sequence[str], at: int) -> bool:
    """Whether another's message begins at a line."""
    line = lines[at]
    if _RULE.match(line) or _FORWARDED.match(line):
        return True
    if _FROM.match(line):
        return _is_header(lines[at + 1 : at + _HEADER_LINES])
    return _RULED.match(line) is not None and any(map(_FROM.match, lines[at + 1 : at + 3]))


def _is_header(following: Sequence[str]) -> bool:
    return sum(_MORE.match(line) is not None for line in following) >= _LEAST_MORE


def _announces(lines: Sequence[str], at: int) -> int:
    """Return in how many lines it is said when somebody wrote what is quoted behind them."""
    if not _OPENS.match(lines[at]):
        return 0
    for count in (1, 2):
        said = " ".join(lines[at : at + count]).rstrip()
        if len(said) > _LONGEST:
            return 0
        if said.endswith(":") and _WROTE.search(said) and _WHEN.search(said):
            return count
    return 0


def _quoted(lines: Sequence[str], at: int) -> int:
    """Return behind which line a quotation ends that was announced."""
    end = at
    while end < len(lines) and (not lines[end].strip() or lines[end].lstrip().startswith(">")):
        end += 1
    marked = any(line.strip() for line in lines[at:end])
    return end if marked else len(lines)


def _without_signature(lines: list[str]) -> list[str]:
    first = max(0, len(lines) - _SIGNATURE_LINES - 1)
    for at in range(first, len(lines)):
        if lines[at] == "-- ":
            return lines[:at]
    return lines
