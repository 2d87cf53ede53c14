"""How facts are asked for, in four languages: one sentence for each way of finding a fact.

`{ref}` names the item, `{about}` quotes its title, `{slot}` is what of it is meant. English
has the most; the others have what can be said without bending a word.
"""

from datetime import date

__all__ = ["DID", "LANGUAGES", "day", "sentence"]

_SENTENCES = {
    "en": {
        "wrote": "When did you write {ref}?",
        "received": "When did you get {ref}?",
        "sender": "Who wrote to you about {about}?",
        "recipient": "To whom did you write about {about}?",
        "quoted": "Who wrote to you: {words}?",
        "file": "Which file came with {ref}?",
        "key": "What does {ref} say about {words}?",
        "count": "How many {slot} does {ref} name?",
        "amount": "What amount of money does {ref} name?",
        "date": "Which date does {ref} name?",
        "lives": "Where does {slot} live?",
        "birthday": "When is {slot}'s birthday?",
        "works": "What does {slot} do for a living?",
        "allergic": "What is {slot} allergic to?",
        "did": "When did you {slot} {about}?",
    },
    "de": {
        "wrote": "Wann hast du {ref} geschrieben?",
        "received": "Wann hast du {ref} bekommen?",
        "sender": "Wer hat dir über {about} geschrieben?",
        "recipient": "Wem hast du über {about} geschrieben?",
        "quoted": "Wer hat dir geschrieben: {words}?",
        "file": "Welche Datei war bei {ref}?",
        "key": "Was steht in {ref} über {words}?",
        "count": "Wie viele {slot} nennt {ref}?",
        "amount": "Welchen Betrag nennt {ref}?",
        "date": "Welches Datum nennt {ref}?",
        "lives": "Wo wohnt {slot}?",
    },
    "fr": {
        "wrote": "Quand as-tu écrit {ref} ?",
        "received": "Quand as-tu reçu {ref} ?",
        "sender": "Qui t'a écrit au sujet de {about} ?",
        "recipient": "À qui as-tu écrit au sujet de {about} ?",
        "quoted": "Qui t'a écrit : {words} ?",
        "file": "Quel fichier était joint à {ref} ?",
        "key": "Que dit {ref} sur {words} ?",
        "amount": "Quelle somme est dans {ref} ?",
        "date": "Quelle date est dans {ref} ?",
        "lives": "Où habite {slot} ?",
    },
    "es": {
        "wrote": "¿Cuándo escribiste {ref}?",
        "received": "¿Cuándo recibiste {ref}?",
        "sender": "¿Quién te escribió sobre {about}?",
        "recipient": "¿A quién escribiste sobre {about}?",
        "quoted": "¿Quién te escribió: {words}?",
        "file": "¿Qué archivo venía con {ref}?",
        "key": "¿Qué dice {ref} sobre {words}?",
        "amount": "¿Qué cantidad de dinero nombra {ref}?",
        "date": "¿Qué fecha nombra {ref}?",
        "lives": "¿Dónde vive {slot}?",
    },
}
_QUOTES = {"en": "“{}”", "de": "„{}“", "fr": "« {} »", "es": "«{}»"}
_NOUNS = {
    "en": ("your note {}", "the mail {}", "your journal of {}"),
    "de": ("die Notiz {}", "die Mail {}", "das Tagebuch vom {}"),
    "fr": ("ta note {}", "le mail {}", "ton journal du {}"),
    "es": ("tu nota {}", "el correo {}", "tu diario del {}"),
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_DAYS = {"en": "{} {} {}", "de": "{}. {} {}", "fr": "{} {} {}", "es": "{} de {} de {}"}
DID = {
    "watched": "watch",
    "listened": "listen to",
    "read": "read",
    "visited": "visit",
    "played": "play",
    "bought": "buy",
    "cooked": "cook",
    "attended": "attend",
}
"""The verbs of `activity.*` types, as they are asked for."""

LANGUAGES = tuple(_SENTENCES)


def sentence(language: str, pattern: str, type_: str, *, title: str = "", slot: str = "") -> str:
    """Return the question, or nothing where a language has no such sentence.

    Args:
        language: One of `LANGUAGES`.
        pattern: The name of the sentence.
        type_: The item's type, which says whether it is a note, a mail or a journal.
        title: The title that names it; of a journal the day, as in ISO 8601.
        slot: What of it is meant.
    """
    quotes = _QUOTES[language]
    note, mail, journal = _NOUNS[language]
    if type_.startswith("document.journal"):
        ref = journal.format(day(language, date.fromisoformat(title))) if title else ""
    else:
        nouns = {"document.note": note, "message.email": mail}
        noun = nouns.get(".".join(type_.split(".")[:2]), "{}")
        ref = noun.format(quotes.format(title))
    said = _SENTENCES[language].get(pattern, "")
    return said.format(ref=ref, about=quotes.format(title), words=quotes.format(slot), slot=slot)


def day(language: str, at: date) -> str:
    """Return a day as it is written."""
    month = _MONTHS[language].split()[at.month - 1]
    return _DAYS[language].format(at.day, month, at.year)
