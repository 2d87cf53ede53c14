"""Amounts of money that somebody is paid."""

import re
from collections.abc import Iterator

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind

__all__ = ["find"]

_SIGN = r"(?:[$\u20ac\u00a3\u00a5\u20b9]|(?:us|usd|eur|gbp|chf|cad|aud|pln|nok|sek|dkk|inr|brl|mxn|rs)\b\.?)"
_DIGITS = r"\d{1,3}(?:[.,' ]?\d{3}){0,4}(?:[.,]\d{1,2})?(?!\d)"
_THOUSANDS = r"(?:\s?(?:k|thousand|million|mio|tausend|tys|mil|mille)\b\.?)"
_UNIT = (
    r"(?:\s?(?:[$\u20ac\u00a3\u00a5]|(?:usd|eur|euros?|gbp|chf|pln|zl|zlot\w{1,3}|dollars?|bucks|pounds?|quid|francs?|"
    r"franken|pesos?|reais|rupees)\b))"
)
_ONE = rf"(?:{_SIGN}{{1,2}}\s?{_DIGITS}{_THOUSANDS}?|{_DIGITS}(?:{_THOUSANDS}{_UNIT}?|{_UNIT}))"
_TO = rf"(?:\s?(?:-|\u2013|to|bis|a)\s?{_ONE})?"
_AMOUNT = re.compile(rf"(?<![\w.,$-]){_ONE}{_TO}")

_PERIOD = re.compile(
    r"\s{0,2}(?:(?:gross|net|brutto|netto|brut|lordi|bruto|before tax|after tax),?\s)?"
    r"(?:(?:/|per|a|an|each|every|pro|im|par|al|por|ao|all'|per l'|na|op|w)\s{0,2}"
    r"(?P<unit>year|yr|annum|month|mo\b|hour|hr|week|wk|day|jahr|monat|stunde|woche|an\b|mois|heure|ano|mes\b|hora|"
    r"anno|mese|ora\b|jaar|maand|uur|rok|miesiac|godzin)|(?P<yearly>annually|yearly|p\.a\.|p\.?a\b|jahrlich|rocznie|"
    r"annuel|anual|jaarlijks|annui))"
)
_PAY = re.compile(
    r"\b(?:salar(?:y|ies|io|is|ios)|wages?|compensation|paychecks?|paycheques?|payslip|payroll|take[ -]home|remuneration|"
    r"earn(?:s|ed|ing|ings)?|incomes?|bonus(?:es)?|severance|pension|stipend|base pay|starting pay|hourly rate|annual pay|"
    r"gehalts?\w{0,12}|lohn\w{0,8}|verdien\w{0,4}|einkommen|jahresgehalt|monatsgehalt|stundenlohn|rente|brutto\w{0,8}|netto\w{0,8}|"
    r"salaire|gagne\w{0,3}|revenus?|remunere\w{0,2}|sueldo|gano|gana|ganaba|nomina|ingresos|"
    r"stipendio|guadagn\w{1,4}|reddito|ral|busta paga|ordenado|vencimento|ganho|ganha|rendimento|"
    r"salaris\w{0,6}|loon|inkomen|verdient|pensja|pensje|wynagrodzeni\w{1,2}|zarabia\w{0,3}|zarobk\w{1,3}|dochod\w{0,3})\b"
)
_BARE = re.compile(
    rf"{_PAY.pattern}\W{{1,3}}(?:[a-z]{{1,10}}\s){{0,4}}(?P<v>{_DIGITS}(?:{_THOUSANDS})?)(?![\w%])"
)
_MADE = re.compile(r"\b(?:makes?|making|made|paid|pays|paying|pay|offer(?:ed|ing|s)?|raise)\b")
# All words with which `_AMOUNT` is met, and what begins those of `_PAY` and the Polish coin.
_SIGNS = re.compile("[$\u20ac\u00a3\u00a5\u20b9]")
_MONEY = frozenset(
    [
        *("us", "usd", "eur", "euro", "euros", "gbp", "chf", "cad", "aud", "pln", "nok", "sek"),
        *("dkk", "inr", "brl", "mxn", "rs", "k", "thousand", "million", "mio", "tausend", "tys"),
        *("mil", "mille", "zl", "dollar", "dollars", "buck", "bucks", "pound", "pounds", "quid"),
        *("franc", "francs", "franken", "peso", "pesos", "reais", "rupees"),
    ]
)
_STEMS = (
    *("zlot", "salar", "wage", "compensation", "paych", "payslip", "payroll", "take", "home"),
    *("remun", "earn", "income", "bonus", "severance", "pension", "stipend", "base", "starting"),
    *("hourly", "annual", "gehalt", "lohn", "verdien", "einkommen", "jahresgehalt"),
    *("monatsgehalt", "stundenlohn", "rente", "brutto", "netto", "salaire", "gagne", "revenu"),
    *("sueldo", "gano", "gana", "nomina", "ingresos", "guadagn", "reddito", "ral", "busta"),
    *("ordenado", "vencimento", "ganho", "ganha", "rendimento", "loon", "inkomen", "pensj"),
    *("wynagrodzeni", "zarabia", "zarobk", "dochod"),
)
_BEFORE, _AFTER = 60, 40
_LINES = re.compile(r"[\n|]")
_IN_THOUSANDS = re.compile(r"\d ?k\b")
_YEARLY = frozenset({"year", "yr", "annum", "jahr", "an", "ano", "anno", "jaar", "rok"})
_HOURLY = frozenset({"hour", "hr", "stunde", "heure", "hora", "ora", "uur", "godzin"})
_LARGE_SUM = re.compile(
    rf"{_SIGN}\s?(?:\d{{2,3}}[.,' ]?\d{{3}}|\d{{1,3}}(?:[.,' ]?\d{{3}}){{2,4}})(?:[.,]\d{{1,2}})?"
)
_CENTS = re.compile(r"[.,]\d{1,2}(?!\d)")
_THOUSANDFOLD = re.compile(r"\d\s?(?:k|tho|tau|tys|mil|mio)")
_LEAST_YEARLY = 4
_LEAST_BARE = 4


def find(text: Folded) -> Iterator[Found]:
    """Yield amounts that are pay; other large amounts as numbers."""
    lower = text.lower
    if not _may_be_told(text):
        return
    done = 0
    for match in _AMOUNT.finditer(lower):
        start, end = match.span()
        while lower[end - 1] in " .":
            end -= 1
        period = _PERIOD.match(lower, end)
        if _is_pay(lower, done, start, end, period):
            yield Found(start, period.end() if period else end, Kind.SALARY)
        elif _LARGE_SUM.fullmatch(lower, start, end):
            yield Found(start, end, Kind.NUMBER)
        done = end
    for match in _BARE.finditer(lower):
        if _size(match["v"]) >= _LEAST_BARE:
            yield Found(*match.span("v"), Kind.SALARY)


def _may_be_told(text: Folded) -> bool:
    """Whether a sign or a word is there without which nothing is an amount or pay."""
    if not _MONEY.isdisjoint(text.words) or _SIGNS.search(text.lower):
        return True
    return any(word.startswith(_STEMS) for word in text.words)


def _is_pay(lower: str, done: int, start: int, end: int, period: re.Match[str] | None) -> bool:
    unit = (period["unit"] or "year") if period else ""
    if unit in _HOURLY or (unit in _YEARLY and _size(lower[start:end]) >= _LEAST_YEARLY):
        return True
    before = _LINES.split(lower[max(done, start - _BEFORE) : start])[-1]
    after = _LINES.split(lower[end : end + _AFTER])[0]
    if _PAY.search(before) or _PAY.search(after):
        return True
    return bool(unit or _IN_THOUSANDS.search(lower, start, end)) and bool(_MADE.search(before))


def _size(amount: str) -> int:
    """Return how many digits stand before the decimal point of an amount."""
    whole = _CENTS.sub("", amount)
    digits = len([character for character in whole if character.isdecimal()])
    return digits + 3 if _THOUSANDFOLD.search(amount) else digits
