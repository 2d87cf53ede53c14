"""What opens something: keys, tokens, passwords, codes, seed phrases.

The prefixes of tokens are public facts of the services that issue them. Every rule stands
behind a gate: literal text that must be there before the rule is tried.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.shapes.rules import words

__all__ = ["find"]

_CERTAIN, _LIKELY, _POSSIBLE = 1.0, 0.8, 0.6


class _Rule(NamedTuple):
    """Group `v`, where there is one, is the secret in what matched."""

    gates: frozenset[str]
    regex: re.Pattern[str]
    score: float = _CERTAIN


def _rule(gates: str, regex: str, score: float = _CERTAIN) -> _Rule:
    return _Rule(words(gates), re.compile(regex), score)


_T = "[A-Za-z0-9_-]"

# Tried on the text as written; a gate is looked for as written too.
_ISSUED = (
    _rule("AKIA ASIA ABIA ACCA AROA AIDA", r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[0-9A-Z]{12,17}\b"),
    _rule(
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{16,255}"
    ),
    _rule("glpat- gldt- glrt- glsa_ glc_", rf"\bgl(?:pat|dt|rt|sa|c)[-_]{_T}{{16,255}}"),
    _rule(
        "xox xapp- hooks.slack",
        rf"\b(?:xox[abeoprs]|xapp)-{_T}{{8,255}}|hooks\.slack\.com/\S{{10,120}}",
    ),
    _rule(
        "AIza ya29. GOCSPX-", rf"\bAIza{_T}{{30,45}}|\bya29\.{_T}{{20,300}}|\bGOCSPX-{_T}{{20,60}}"
    ),
    _rule("sk- sk_ pk_ rk_ whsec_ pk-", rf"\b(?:sk|pk|rk|whsec)[-_]{_T}{{14,255}}"),
    _rule(
        "hf_ npm_ pypi- SG. shp dop_v1_ dapi lin_api_ ntn_ hvs. dckr_pat_ NRAK- sntrys_ dp.pt. key- EAA rnd_ r8_ gsk_ fly_ ATATT pat- lsv2_ nvapi-",
        rf"\b(?:hf_|npm_|pypi-|shp(?:at|ca|pa|ss)_|do[opr]_v1_|dapi|lin_api_|ntn_|hvs\.|dckr_pat_|NRAK-|sntrys_|dp\.pt\.|key-|EAA|rnd_|r8_|gsk_|fly_|"
        rf"ATATT|pat-|lsv2_|nvapi-){_T}{{20,300}}|\bSG\.{_T}{{16,30}}\.{_T}{{16,60}}",
    ),
    _rule("AC SK", r"\b(?:AC|SK)[0-9a-f]{32}\b"),
    _rule(":AA", r"\b[0-9]{8,10}:AA[\w-]{30,40}"),
    _rule("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{40,80}"),
    _rule(
        "PRIVATE OPENSSH PGP",
        r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|SECRET)[A-Z ]{0,20}-----"
        r"(?:[^-]|-(?!----)){0,40000}(?:-----END [A-Z0-9 ]{0,60}-----)?",
    ),
    _rule(
        "-", r"(?<![\w-])(?=[A-Z-]{0,28}[0-9])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,5}(?![\w-])", _LIKELY
    ),
)

_SIGN = r"(?:[\"'\])]{0,3}[ \t]{0,4}(?:[:=]{1,2}>?|->|=>|>)[ \t]{0,4}(?:\n[ \t]{0,4})?"
_IS = r"|[ \t]{1,3}(?:is|was|are|ist|war|lautet|est|es|era|e|sao|jest|to|now|of|for [\w ]{1,24} is)(?:[ \t]{1,3}(?:now|still|jetzt|noch|ora|agora|nu|teraz))?[ \t]{0,2}:?[ \t]{1,3}"
_QUOTED = r"\"[^\"\n]{2,200}\"|'[^'\n]{2,200}'|`[^`\n]{2,200}`"
_VALUE = rf"(?P<v>{_QUOTED}|[^\s\"',;<>}}\])]{{3,200}})"
_NO_VALUE = (
    r"(?!(?:not|no|the|a|an|in|on|to|too|very|so|your|my|his|her|our|their|required|wrong|incorrect|invalid|expired|missing|needed|reset|"
    r"changed|protected|set|stored|saved|sent|being|been|case|also|only|good|bad|safe|strong|weak|important|secret|true|false|null|none|"
    r"nicht|falsch|kein|keine|obligatoire|incorrecto|incorrecta|errata|errado|errada|verkeerd|nie|que|di|da|de|ok|okay)\b)"
)
_PASSWORDS = (
    r"(?:pass(?:word|wd|phrase|code|wort|e)s?|pwd|pw|passwort|kennwort|kennworter|zugangsdaten|losungswort|mot de passe|motdepasse|mdp|"
    r"contrasena|clave|senha|palavra-passe|parola d'ordine|parola chiave|wachtwoord|toegangscode|hasl[oa]|credentials?|login)"
)
_TOKENS = (
    r"(?:secret|token|api[ _-]?key|apikey|access[ _-]?key|auth[ _-]?key|private[ _-]?key|client[ _-]?secret|encryption[ _-]?key|"
    r"license[ _-]?key|product[ _-]?key|signing[ _-]?key|account[ _-]?key|shared[ _-]?key|webhook|session(?:[ _-]?id)?|cookie|csrf|otpauth|"
    r"wi-?fi(?: (?:code|key|password))?|wlan(?:-?schlussel)?|schlussel|cle d'acces|llave|chiave|chave|sleutel|klucz)"
)
_CODES = (
    r"(?:pin|puk|tan|otp|cvv|cvc|cvv2|code|2fa|mfa|kod|kodu|codice|codigo|combination|keypad|zahlencode|geheimzahl|pincode|passcode|"
    r"verification|security code|one-time|einmalcode|sicherheitscode|bestatigungscode|safe|alarm|gate|door|lock|unlock|voicemail|combo)"
)

_BESIDE_PASSWORDS = (
    "pass password passwords passwd passphrase passcode passwort pwd pw kennwort mdp contrasena clave senha wachtwoord toegangscode haslo hasla "
    "parola credentials login zugangsdaten losungswort mot palavra"
)
_OTHER_CODE = r"(?<!zip )(?<!area )(?<!error )(?<!status )(?<!postal )(?<!billing )(?<!dress )(?<!source )(?<!country )"
_TOKEN_SHOWN = _rule("eyJ", r"\beyJ[\w-]{4,4000}(?:\.{2,3}|(?:\.[\w-]{2,8000}){0,4})")
_SIGNED_IN = _rule(
    "://",
    r"(?<![\w+.-])[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]{0,80}:[^\s/@]{1,200}@[^\s\"'<>]{1,300}",
)
# Tried on the text in lower case.
_BESIDE = (
    _rule(
        _BESIDE_PASSWORDS,
        rf"{_PASSWORDS}[\w-]{{0,16}}(?:[ \t]{{1,2}}\([^)\n]{{1,30}}\)|[ \t]{{1,2}}(?:for|to|fur|pour|para|per|voor|do) [\w .'-]{{1,30}}?)?(?:{_SIGN}{_IS}))[ \t]{{0,2}}{_NO_VALUE}{_VALUE}",
    ),
    _rule(
        _BESIDE_PASSWORDS,
        rf"{_PASSWORDS}[ \t]{{1,2}}(?P<v>`[^`\n]{{2,200}}`|\"[^\"\n]{{3,200}}\"|"
        r"(?=[^\s]{0,60}[0-9_$!#])(?=[^\s]{0,60}[a-z])[^\s\"',;<>]{6,200})",
        _LIKELY,
    ),
    _rule(
        "secret token tokens key keys apikey accesskey webhook session sessionid cookie csrf otpauth fi wifi wlan schlussel llave chiave chave sleutel klucz cle",
        rf"(?:{_TOKENS}|key)[\w-]{{0,16}}(?:{_SIGN}))[ \t]{{0,2}}(?:bearer |basic )?{_NO_VALUE}{_VALUE}",
    ),
    _rule(
        "secret token key apikey accesskey fi wifi wlan schlussel llave chiave chave sleutel klucz cle session",
        rf"{_TOKENS}(?:[ \t]{{1,3}}(?:is|was|ist|est|es|e|jest)[ \t]{{1,3}}|[ \t]{{1,3}})(?P<v>(?=[^\s]{{0,40}}[0-9_$!#])[^\s\"',;<>]{{6,200}})",
        _LIKELY,
    ),
    _rule(
        "bearer basic",
        r"\b(?:bearer|basic)[ \t]{1,3}(?P<v>(?=[^\s]{0,60}[0-9=._-])[\w.+/=~-]{8,4000})",
    ),
    _rule(
        "pin puk tan otp cvv cvc code codes fa mfa kod kodu codice codigo combination keypad zahlencode geheimzahl pincode einmalcode sicherheitscode bestatigungscode verification one safe alarm gate door lock unlock voicemail combo",
        rf"{_OTHER_CODE}\b{_CODES}(?:s|\b)[^\d\n.?!]{{0,28}}?(?<![\w.,$-])(?P<v>(?=[\w#*-]{{0,12}}[0-9])(?:[\w#*]{{4,12}}|[0-9]{{3}}[ -][0-9]{{3,4}}|[a-z0-9]{{3,6}}-[a-z0-9]{{3,6}})(?:[, ]{{1,2}}[a-z0-9]{{4,6}}-[a-z0-9]{{4,6}}){{0,11}})(?![\w%]|[.,:][0-9])",
        _LIKELY,
    ),
    _rule(
        "code codice codigo kod",
        r"\b(?:g-)?(?P<v>[0-9]{4,8}) (?:is|ist|est|es|e|jest) (?:your|the|dein|ihr|votre|tu|su|il tuo|o seu|je|uw|twoj)\b[^\n]{0,40}cod[eia]",
        _LIKELY,
    ),
    _rule("cvv cvc csc", r"\b(?:cvv2?|cvc2?|csc)\b[^\d\n]{0,12}(?P<v>[0-9]{3,4})(?!\d)"),
    _rule(
        "recovery backup wiederherstellungscode wiederherstellungscodes wiederherstellungs recuperation recuperacion recupero recuperacao herstelcode herstelcodes herstel odzyskiwania",
        r"(?:recovery|backup|wiederherstellungs?|recuperation|recuperacion|recupero|recuperacao|herstel|odzyskiwania)[ _-]?\w{0,12}[^\w\n]{0,6}\s{0,3}"
        r"(?P<v>(?:(?=[a-z0-9-]{0,12}[0-9])[a-z0-9]{4,12}(?:-[a-z0-9]{4,12}){0,7}[\s,;]{0,3}){1,20})",
        _LIKELY,
    ),
    _rule(
        "seed mnemonic phrase wallet recovery phrase",
        r"(?:seed|mnemonic|recovery phrase|secret phrase|wallet)[^\n:]{0,40}[:\n\"]\s{0,4}\"?(?P<v>(?:(?:[0-9]{1,2}[.)] ?)?[a-z]{3,8}[ ,\n]{1,3}){11,23}[a-z]{3,8})",
    ),
    _rule(
        "token key sig signature secret auth code session invite pass password jwt otp",
        r"[?&#;](?:[\w-]{0,24}(?:token|key|sig|signature|auth|secret|code|session|invite|pass\w{0,8}|jwt|otp))=(?P<v>[^\s&\"'<>#]{4,2000})",
    ),
)


_KEYS = "password passwd pass pwd passcode passphrase pw secret token key"
_OWNERS = (
    "db user admin root my old new wifi wlan mail email smtp login auth client access refresh bearer session api app private "
    "public secret id account shared master encryption signing service bot web ssh vpn sudo mysql postgres redis aws"
)
_COMPOUND = frozenset(owner + key for owner in _OWNERS.split() for key in _KEYS.split())
_TELLING = _COMPOUND.union(*(rule.gates for rule in _BESIDE))
_GATES = tuple((gate, rule) for rule in _ISSUED for gate in sorted(rule.gates))
_SHORTEST_ISSUED = 14


def find(text: Folded) -> Iterator[Found]:
    """Yield what opens something; spans may overlap."""
    plain, lower, said = text.text, text.lower, text.words
    if "eyJ" in plain:
        yield from _matches(_TOKEN_SHOWN, plain)
    if "://" in plain and "@" in plain:
        yield from _matches(_SIGNED_IN, plain)
    if text.longest >= _SHORTEST_ISSUED:
        for rule in dict.fromkeys([rule for gate, rule in _GATES if gate in plain]):
            yield from _matches(rule, plain)
        yield from _random(text)
    if not _TELLING.isdisjoint(said):
        compound = not _COMPOUND.isdisjoint(said)
        for rule in _BESIDE:
            if compound or not rule.gates.isdisjoint(said):
                yield from _matches(rule, lower)
    if len(plain) >= _SHORTEST_SEED and len(said) >= _FEWEST_SEED_WORDS:
        yield from _seeds(text)


def _matches(rule: _Rule, text: str) -> Iterator[Found]:
    group = "v" if "v" in rule.regex.groupindex else 0
    for found in rule.regex.finditer(text):
        start, end = found.span(group)
        while end > start + 1 and text[end - 1] in " \t\n.,;":
            end -= 1
        yield Found(start, end, Kind.SECRET, rule.score)


_SHORTEST_RUN = 20
_RUN = re.compile(rf"(?<![\w+/=-])[A-Za-z0-9_+/=-]{{{_SHORTEST_RUN},400}}")
_TURN = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])|[A-Z](?=[a-z])")
_DISTINCT, _TURNS = 9, 0.25


def _random(text: Folded) -> Iterator[Found]:
    """Yield runs that nobody would write by hand: their letters and digits change too often."""
    if text.longest < _SHORTEST_RUN:
        return
    for found in _RUN.finditer(text.text):
        run = found.group().rstrip("=")
        turns = len(_TURN.findall(run))
        if len(set(run)) >= _DISTINCT and turns >= _TURNS * len(run) and _mixed(run):
            yield Found(found.start(), found.end(), Kind.SECRET, _POSSIBLE)


def _mixed(run: str) -> bool:
    kinds = (any(map(str.isdigit, run)), any(map(str.islower, run)), any(map(str.isupper, run)))
    return sum(kinds) > 1


_SHORTEST_SEED = 60
_FEWEST_SEED_WORDS = 10
_SEED = re.compile(r"(?:^|\n)[ \t]{0,4}(?P<v>(?:[a-z]{3,8} ){11,23}[a-z]{3,8})[ \t]{0,4}(?=\n|$)")
_SENTENCE = words(
    "the and for was are but not with this that have from they his her she him has had were been will would there their what when"
)
_SEED_WORDS = frozenset({12, 15, 18, 21, 24})


def _seeds(text: Folded) -> Iterator[Found]:
    """Yield lines of twelve to twenty-four short words that make no sentence."""
    if "\n" not in text.text and not _SENTENCE.isdisjoint(text.words):
        return
    for found in _SEED.finditer(text.text):
        listed = found["v"].split()
        if len(listed) in _SEED_WORDS and _SENTENCE.isdisjoint(listed):
            yield Found(found.start("v"), found.end("v"), Kind.SECRET, _LIKELY)
