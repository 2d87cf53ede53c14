"""How people refuse, deny and fill their sentences, in four languages and plain text."""

import re

from trainer.evaluate.facts.values import Span, words

__all__ = ["content", "denied", "denies_premise", "refuses"]

_BEGINNING = 5

_KNOWING = (
    "know|knew|remember|recall|recollect|say|tell|told|telling|find|found|think|help|answer|sure"
    "|certain|mention|mentions|mentioned|heard|count|counted|follow|written|information"
    "|info|record|records|idea|clue|memory|messages?|notes?|mail|mails|such|met"
    "|get|got|able|unable|aware|ring|talked|spoke|spoken|discussed|decided|settled|asked|listed"
    "|stated|contain|clear|saved|stored|down"
)
_NOT = (
    r"(?:not|no|never|none|nothing|nobody|cannot|unable"
    r"|(?:do|does|did|is|was|are|were|ca|could|wo|would|have|has|had|should)nt)"
)
_REFUSAL = re.compile(
    rf"\b{_NOT}\b(?: \w+){{0,3}} (?:{_KNOWING})\b"
    r"|\b(?:not|dont|havent) (?:have|got|seen) anything\b"
    r"|\b(?:idk|dunno|beats me|havent a clue|unclear|unknown|unable to)\b"
    r"|\b(?:have|need|like|want) to (?:check|look|ask)|\bhard to say|\bcomes? to mind"
    r"|\bcould have been anyone|\bnothing (?:from|about|on|here|that)|\bask (?:me again|somebody)"
    r"|\b(?:i|ive|i have) (?:\w+ )?forg[eo]t(?:ten)?\b|^forgot|escapes me|slipped my mind|lost track"
    r"|\bguess(?:ing)?$|\bgone from my|\bto my mind|\b(?:isnt|not|arent) any(?:thing)?\b"
    r"|\bas far as i (?:know|remember|recall|can see)"
    r"|\bkeine? (?:ahnung|idee|notiz|nachricht)|\bweiss (?:\w+ ){0,3}nicht|\bnicht (?:sagen|erinnern"
    r"|sicher|mehr)|\bnichts (?:davon|dazu|gefunden)"
    r"|\b(?:sais|souviens|trouve|rappelle) (?:pas|plus)|\baucune? (?:idee|trace|souvenir|note)"
    r"|\bno (?:lo )?(?:se|recuerdo|encuentro|tengo)\b|\bno me acuerdo|\bni idea"
)
_ASKS = re.compile(
    r"^(?:which|who|whos|what|whats|wer|welche|welcher|qui|quel|quelle|quien|cual)\b.*\?$"
)
_DENIAL = re.compile(
    r"\b(?:not|no|never|nor|neither|without|isnt|wasnt|arent|werent|didnt|doesnt|dont|cant|wont|havent"
    r"|anywhere|nicht|kein|keine|keinen|pas|jamais|sino|nunca)\b"
)
_PREMISE = re.compile(
    rf"{_DENIAL.pattern}|\b{_NOT}\b|\b(?:niemand|nichts|personne|rien|nadie|nada)\b"
)
_TURN = re.compile(r"[,.;:!?]|(?<!anywhere) but | sondern | mais | sino ")

_FILLERS = {
    "en": "a about above according actually after again ago all already also am an and another any"
    " anyway are around as at back based be because been before being both bring but by called"
    " came can come comes could day days did do does doing done down each else even ever every"
    " exact exactly far few for from get gets give gives go goes going gone good got had"
    " happened has have having he her here him himself his honest honestly how i id if ill im"
    " in indeed information into is it its ive just kept know last later least like little"
    " long look made mail make makes many may maybe me mean memory mention mentioned mentions"
    " message messages might mine more most much must my myself name named need needs never"
    " next night no nor not note noted notes now obviously of off on once one only or other"
    " our out over own part pretty probably put quite rather really remember right said same"
    " saw say says see seem seems she should since so some something somewhere sort still such"
    " sure take takes than that thats the their them then there theres these they theyre thing"
    " things think this those though time to together told too took total true under until up"
    " us used very was we well went were what when where which while who whole will with won"
    " would wrote yeah year years worry yes yet you your yours hes shes whos weve youve theyve"
    " youll theyll youd theyd isnt wasnt arent werent dont doesnt didnt cant couldnt wont"
    " wouldnt havent hasnt hadnt ms mr mrs dr herr frau email emails week weeks weekly month"
    " months monthly morning mornings evening evenings afternoon second minute minutes hour"
    " hours eur gbp usd quid pounds euros annually per",
    "de": "der die das den dem des ein eine einen einem einer und oder ist sind war waren wird im"
    " in am an auf aus bei mit nach seit von vom zu zum zur ich du er sie es wir ihr mir mich"
    " dir dich uns euch hat habe haben hast dass nur noch auch schon ja nein mehr wie was wer"
    " wo wann stuck brauchen",
    "fr": "le la les un une des du de d l et ou est sont etait a au aux en dans pour par sur avec"
    " sans je tu il elle on nous vous ils elles ce c cest cetait que qui pas plus ne se sa son"
    " ses depuis loin",
    "es": "el los las una unos unas del al y o es son era fue por para con sin sobre yo tu ella nos"
    " lo su sus que no si ya muy mas todos todas tiene",
}
_FILLER = frozenset(word for line in _FILLERS.values() for word in line.split())


def refuses(answer: str) -> bool:
    """Whether a plain text says that nothing is known, or asks back."""
    return bool(_REFUSAL.search(answer) or _ASKS.match(answer))


def denies_premise(answer: str) -> bool:
    """Whether a plain text begins by denying what it was asked about: `never met him`."""
    return bool(_PREMISE.search(" ".join(answer.split()[:_BEGINNING])))


def denied(answer: str, span: Span) -> bool:
    """Whether what stands somewhere in a plain text is said not to be so."""
    turns = [0, *(turn.end() for turn in _TURN.finditer(answer, 0, span.start))]
    return _DENIAL.search(answer, turns[-1], span.start) is not None


def content(text: str) -> list[str]:
    """Return the words of a plain text that say something."""
    return [
        word for word in words(text) if word not in _FILLER and (len(word) > 1 or word.isdigit())
    ]
