"""In which of eight languages an item is asked for: as its source says, else by its commonest words."""

import re
from collections import Counter

__all__ = ["LANGUAGES", "language_of"]

_COMMON = {
    "en": "a the and is of to in it you that was for on are with this have not be at my we but they i"
    " just what so do don't it's i'm he she her his there will can an as by from has had if me no or"
    " their them were would your all out up about",
    "de": "der die das und ist nicht ich du zu ein eine mit auf es wir sie den dem auch noch war bin"
    " für von aber wie mir mich dir dich hab habe schon nur wenn was kein oder im am bei sind in an"
    " da so er ihr uns man dann",
    "fr": "a la le les et est pas je tu que un une des du pour dans c'est j'ai mais avec sur il elle"
    " nous vous ne qui ce ça au plus moi toi suis on très bien était qu'il aussi en de se me si",
    "es": "a el la los las y es no que de un una en por para con se lo me pero muy yo tú está qué como"
    " más mi te hay del al fue esto eso estoy ya también o si su",
    "it": "a il la gli le e è non che di un una per con sono mi ti ma ho hai come più anche del della"
    " nel alla questo quello molto io ci si era cosa però in no lo al da se o",
    "pt": "o a os as e é não que de um uma em por para com eu você mas muito está tem na no da do foi"
    " isso mais me meu minha também já ele ela estou são se ao ou",
    "nl": "de het een en is niet ik je van dat in op te met voor maar ook zijn was er aan we nog wel"
    " heb hij ze als mijn naar dit bij om jij wat of al die zo",
    "pl": "a i w nie na się to jest że do z jak ale o co mi tak już ja ty był jestem czy tylko po dla"
    " mam jeszcze bardzo może przez są było za by od u",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _COMMON.items():
    for _word in _words.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

LANGUAGES = tuple(_COMMON)

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_READ = 2000
_LEAST = 2


def language_of(stated: str, text: str) -> str:
    """Return the language that a source states, else the guessed one, else English.

    A text is guessed by its first 2,000 characters: two words that are common in a language,
    and more of them than in any other.
    """
    if stated:
        named = stated.replace("_", "-").partition("-")[0].lower()
        return named if named in _COMMON else "en"
    seen = Counter(
        language
        for word in _WORD.findall(text[:_READ].lower().replace("\u2019", "'"))
        for language in _LANGUAGES_OF.get(word, ())
    )
    best = seen.most_common(2)
    if not best or best[0][1] < _LEAST or (len(best) > 1 and best[0][1] == best[1][1]):
        return "en"
    return best[0][0]
