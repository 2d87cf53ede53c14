"""What a text must hold before a rule can find something in it, looked for all at once.

Hyperscan (Wang et al., NSDI 2019) passes over a text once and says which signs it met. A sign
asks for less than the rules behind it, never for more. Where Hyperscan is not installed every
sign counts as met, and the rules look for themselves: what is found is the same.
"""

import threading
from importlib.util import find_spec

__all__ = [
    "AGE",
    "BROKEN",
    "COUNTED",
    "DIGIT",
    "ESCAPED",
    "EVERY",
    "HUMP",
    "LONG",
    "MACHINE",
    "NAMED_HOST",
    "NUMBER",
    "PATTERNS",
    "PAY",
    "SPACED",
    "SPACED_HEX",
    "SPELLED",
    "signs",
]

EVERY = -1
"""Every sign is met."""

(
    DIGIT,
    NUMBER,
    HUMP,
    LONG,
    ESCAPED,
    SPACED_HEX,
    COUNTED,
    SPACED,
    BROKEN,
    NAMED_HOST,
    MACHINE,
    SPELLED,
    AGE,
    PAY,
) = (1 << place for place in range(14))

# Bytes beyond ASCII belong to characters that may be letters or spaces; a character has four
# at most. No digit but the ten is left in a folded text.
_LETTER = r"[\w\x80-\xff]"
_SPACES = r"\s\x1c-\x1f\x80-\xff"
_GAP = rf"[{_SPACES}]"
_ONE = r"(?:[^\s\x80-\xff]|[\x80-\xff]{1,4})"
_COINS = r"\$|\xe2\x82\xac|\xc2\xa3|\xc2\xa5|\xe2\x82\xb9"
_PAID = (
    "salar|wage|compensation|paych|payslip|payroll|take[ -]home|remun|earn|income|bonus|severance|pension|stipend|"
    "base pay|starting pay|hourly rate|annual pay|gehalt|lohn|verdien|einkommen|jahresgehalt|monatsgehalt|"
    "stundenlohn|rente|brutto|netto|gagne|revenu|sueldo|gano|gana|nomina|ingresos|guadagn|reddito|ral|busta paga|"
    "ordenado|vencimento|ganho|ganha|rendimento|loon|inkomen|pensj|wynagrodzeni|zarabia|zarobk|dochod"
)

PATTERNS: dict[int, tuple[str, ...]] = {
    DIGIT: ("[0-9]",),
    NUMBER: (r"[0-9](?:[^0-9]{0,12}[0-9]){6}",),
    HUMP: ("(?-i)[a-z][A-Z]",),
    LONG: (r"[^\s.:]{14}",),
    ESCAPED: (
        r"%[0-9a-f]{2}",
        rf"&#?{_LETTER}+;",
        r"\\[ux][0-9a-f{]",
        r"=(?:[0-9a-f]{2}|\r?\n)",
    ),
    SPACED_HEX: (r"[ :][0-9a-f]{2}(?:[ :][0-9a-f]{2}){6}",),
    COUNTED: (
        "(?-i)[0-9][OoQDIliZzSsBbGgq]",
        "(?-i)[OoQDIliZzSsBbGgq][0-9]",
    ),
    SPACED: (rf" {_ONE}[ \t]{{1,3}}{_ONE}[ \t]{{1,3}}{_ONE}[ \t]{{1,3}}{_ONE} ",),
    BROKEN: (r"[0-9][ .()-]?[0-9]{0,6}[ \t]?\n[ \t]?[0-9]",),
    NAMED_HOST: (r"\.[a-z]{2,9}(?:[^\w-]|$)",),
    MACHINE: (
        r":[0-9a-f]{0,4}:",
        r"-[0-9a-f]{2}-[0-9a-f]{2}-",
        r"\.[0-9a-f]{4}\.",
    ),
    SPELLED: (
        (
            rf"[{_SPACES}\[({{<]{_GAP}*(?:at|@|arroba|chez|malpa){_GAP}*[{_SPACES}\])}}>]{_GAP}*"
            rf"(?:[\w-]|[\x80-\xff])+(?:\.[a-z]|{_GAP}*[\[({{<]|{_GAP}+(?:dot|punto|punkt|point|ponto|punt|kropka){_GAP})"
        ),
    ),
    AGE: (
        r"(?:years?|yrs?|months?|weeks?|days?)[ -]{1,2}(?:old|of age|young)",
        r"[0-9a-z][ -]?(?:yo|y/o|y\.o|yrs? old)\b",
        r"\b(?:aged?|turn(?:s|ed|ing)?|alter(?: von)?|edad|eta|leeftijd|wieku?)(?: de)?(?: of)?:? [0-9tfseno]",
        r"\b(?:i'?m|i am|s?he'?s|s?he is|s?he was|i was|you're|who is|who's) (?:only |just |now |almost |nearly )?[0-9]",
        r"[0-9](?: jahre alt|-?jahrig| jaar oud|-jarige| anni di eta| anos de (?:edad|idade)| (?:ans|anos|anni|jaar|lata?)\b)",
    ),
    PAY: (
        rf"(?:{_COINS}|\b(?:us|usd|eur|gbp|chf|cad|aud|pln|nok|sek|dkk|inr|brl|mxn|rs)\b\.?){_GAP}*[0-9]",
        (
            rf"[0-9]{_GAP}*(?:{_COINS}|zlot|(?:k|thousand|million|mio|tausend|tys|mil|mille|usd|eur|euros?|gbp|chf|pln|zl|"
            r"dollars?|bucks|pounds?|quid|francs?|franken|pesos?|reais|rupees)\b)"
        ),
        rf"\b(?:{_PAID})",
    ),
}
"""What each sign looks like in UTF-8, whatever the case of letters: any one of these."""


class _Scanner:
    """Looks for signs with Hyperscan; one for each thread, which its scratch space belongs to."""

    def __init__(self) -> None:
        import hyperscan as hs  # noqa: PLC0415 - not everywhere, and made when first needed

        listed = [(pattern, sign) for sign, some in PATTERNS.items() for pattern in some]
        flags = hs.HS_FLAG_SINGLEMATCH | hs.HS_FLAG_DOTALL | hs.HS_FLAG_CASELESS
        self._signs = [sign for _, sign in listed]
        self._database = hs.Database(mode=hs.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[pattern.encode() for pattern, _ in listed],
            ids=list(range(len(listed))),
            flags=[flags] * len(listed),
        )

    def scan(self, text: str) -> int:
        """Return the signs that a text holds."""
        met: list[int] = []
        self._database.scan(text.encode("utf-8", "surrogatepass"), _note, context=met.append)
        found = 0
        for place in met:
            found |= self._signs[place]
        return found


def _note(place: int, _start: int, _end: int, _flags: int, note: object) -> None:
    assert callable(note)
    note(place)


_HAS_HYPERSCAN = find_spec("hyperscan") is not None
_WORTH = 20_000
"""So many characters a thread asks about before a scanner is made, which takes a tenth of a second."""


class _OfThread(threading.local):
    asked = 0
    scanner: _Scanner | None = None


_OF_THREAD = _OfThread()


def signs(text: str) -> int:
    """Return the signs that a folded text holds, and perhaps others, added up."""
    mine = _OF_THREAD
    if mine.scanner is None:
        mine.asked += len(text)
        if not _HAS_HYPERSCAN or mine.asked < _WORTH:
            return EVERY
        mine.scanner = _Scanner()
    return mine.scanner.scan(text)
