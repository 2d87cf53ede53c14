"""How something was written, told from its own signs alone: length, case, marks, forms of address.

No model and hardly a word list, so that it holds in eight European languages. Rules are asked
in turn, and the first that holds decides; all numbers are whole. Only the beginning of a long
text is read.
"""

import re
from enum import StrEnum

__all__ = ["Style", "style_of"]


class Style(StrEnum):
    """How a text is written, in the order in which it is asked.

    `structured` has a heading, a table, code, or three lines of a list. `formal` opens or
    ends like a letter, or is made of long and whole sentences. `expressive` shouts, draws
    words out or speaks in signs, once in 160 characters. `terse` is four words at most.
    `casual` leaves out capitals or the last full stop, or chats. `plain` is what is left:
    whole sentences without ado.
    """

    STRUCTURED = "structured"
    FORMAL = "formal"
    EXPRESSIVE = "expressive"
    TERSE = "terse"
    CASUAL = "casual"
    PLAIN = "plain"


_READ = 2000  # characters
_LISTED = 3  # lines
_STRONG_EVERY = 160  # characters
_TERSE_WORDS, _TERSE_CHARACTERS = 4, 32
_CHAT_EVERY = 200  # characters
_WORKED_ON = 85  # letters in a sentence
_LONG_ENOUGH = 160  # characters, before the length of sentences says anything
_TAIL = 300  # characters

_BLOCK = re.compile(
    r"^(?:\#{1,6}[ ]\S|```|~~~|\|.{1,400}\|[ ]*$|[^\n]{1,80}\n(?:={3,}|-{3,})[ ]*$)", re.MULTILINE
)
_ITEM = re.compile(r"^[ \t]{0,8}(?:[-*•\N{EN DASH}]|\d{1,2}[.)])[ \t]+\S", re.MULTILINE)
_OPENED = re.compile(
    r"dear (?!me\b|god\b|lord\b|diary\b)[^\n,:.!?]{1,40}[,:\n]|to whom it may|sehr geehrte"
    r"|guten tag,? (?:frau|herr)|(?:bonjour )?(?:madame|monsieur)\b[^\n,]{0,40},"
    r"|ch(?:er|ère)s? (?:madame|monsieur|client)|estimad[oa]s? |distinguid[oa]s? "
    r"|gentil(?:e|i|issim[oai]) [^\n,]{1,40},|egregi[oa] |spett|prezad[oa]s? |exm[oa]"
    r"|geachte |beste (?:heer|mevrouw|collega)|szanown[iay]"
)
_CLOSED = (
    "kind regards",
    "best regards",
    "yours sincerely",
    "yours faithfully",
    "mit freundlichen grüßen",
    "mit besten grüßen",
    "hochachtungsvoll",
    "cordialement",
    "salutations distinguées",
    "atentamente",
    "un cordial saludo",
    "saludos cordiales",
    "cordiali saluti",
    "distinti saluti",
    "melhores cumprimentos",
    "atenciosamente",
    "vriendelijke groet",
    "hoogachtend",
    "z poważaniem",
    "z wyrazami szacunku",
)
_SIGNS = (
    *("!!", "??", "?!", "!?", ":)", ":-)", ";)", ";-)", ":D", ":-D", ":(", ":-(", ":P", "<3", "xD"),
    *(3 * letter for letter in "aeiouyhklmnrstz"),
)
_LOUD = re.compile(r"[A-Z\u00c0-\u00de]{2,} [A-Z\u00c0-\u00de]{4,}")
_EMOJI = re.compile(r"[\u2600-\u27bf\U0001f300-\U0001faff]")
_BEGUN = re.compile(r"[.!?…\n][)\"'”»]*(?:(?<=\n)|\s)[^\w\n]*([^\W\d_])")
_FIRST = re.compile(r"[^\W\d_]")
_SHORTENED = re.compile(r"['\N{RIGHT SINGLE QUOTATION MARK}](?:t|s|m|d|re|ve|ll)\b")
_BARE = str.maketrans(dict.fromkeys('.,;:!?…"()*_', " "))
# In turn: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish.
_CHATTED = """
lol lmao omg btw idk imo tbh haha hahaha hehe xd thx pls cuz gonna wanna gotta kinda dunno
yeah yep yup nope nah hey hiya ugh wow
naja nö nee krass ey tja moin
ouais bah coucou salut pff mdr ptdr
jaja jajaja venga oye guay
boh mah ciao beh vabbè
pá né bora kkk rsrs fixe
hoi joh doei nou hè
hej siema spoko cześć nara
"""
_CHAT = frozenset(_CHATTED.split())


def style_of(text: str) -> Style:
    """Tell how a text is written."""
    text = text[:_READ].strip()
    lowered = text.lower()
    in_lines = "\n" in text
    if in_lines and (_BLOCK.search(text) or len(_ITEM.findall(text)) >= _LISTED):
        return Style.STRUCTURED
    if _OPENED.match(lowered) or (in_lines and any(map(lowered[-_TAIL:].__contains__, _CLOSED))):
        return Style.FORMAL
    if _strong(text) * _STRONG_EVERY > len(text):
        return Style.EXPRESSIVE
    words = lowered.translate(_BARE).split()
    if len(words) <= _TERSE_WORDS and len(text) <= _TERSE_CHARACTERS:
        return Style.TERSE
    return _by_sentences(text, words)


def _strong(text: str) -> int:
    """Count signs, drawn out words, and loud words beside each other."""
    signs = sum(map(text.count, _SIGNS)) + len(_LOUD.findall(text))
    return signs if text.isascii() else signs + len(_EMOJI.findall(text))


def _by_sentences(text: str, words: list[str]) -> Style:
    begun = [*_FIRST.findall(text[:_TERSE_CHARACTERS])[:1], *_BEGUN.findall(text)]
    small = sum(map(str.islower, begun))
    chat = sum(map(_CHAT.__contains__, words))
    ended = text.rstrip("\"'”»)]")[-1:] in {".", "!", "?", "…", ":"}
    if 2 * small > len(begun) or chat * _CHAT_EVERY > len(text) or not ended:
        return Style.CASUAL
    whole = len(text) >= _LONG_ENOUGH and sum(map(len, words)) >= _WORKED_ON * len(begun)
    return Style.FORMAL if whole and not _SHORTENED.search(text) else Style.PLAIN
