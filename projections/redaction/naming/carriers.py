"""Sentences to train with: patterns written for this project, one a line, filled with names.

In a pattern `{P}` is a person in any form, `{N}` a full name, `{F}` given and `{L}` family
name, `{R}` "Last, First", `{O}` an organisation, `{C}` a place, `{T}` a common noun, `{A}`
an abbreviation, `{M}` a medicine or an illness, `{D}` a date, `{#}` a number, and `|` the end of a line.
"""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from projections.redaction.kinds import Kind
from projections.redaction.naming.stock import LANGUAGES, Chain, Stock
from projections.redaction.naming.texts import Mark, Marked
from vault.aliases import fold

__all__ = ["Filler", "patterns"]

_SLOT = re.compile(r"\{([PNFLROCTAMD#])\}")
_KINDS = {
    "P": Kind.PERSON,
    "N": Kind.PERSON,
    "F": Kind.PERSON,
    "L": Kind.PERSON,
    "R": Kind.PERSON,
    "O": Kind.ORG,
    "C": Kind.LOC,
}


@cache
def patterns(language: str) -> tuple[str, ...]:
    """Return the patterns of a language, folded."""
    file = Path(__file__).with_name(f"{language}.txt")
    return tuple(fold(line) for line in file.read_text("utf-8").splitlines() if line)


@cache
def _chain(language: str) -> Chain:
    known = Path(__file__).with_name("common.txt").read_text("utf-8").splitlines()
    at = [*LANGUAGES].index(language)
    lines = " ".join(_SLOT.sub(" ", line) for line in patterns(language))
    if at:
        lines += f" {fold(known[at - 1])}"
    return Chain(sorted(set(re.findall(r"[a-z]{4,}", lines))))


@cache
def _listed(name: str) -> tuple[str, ...]:
    return tuple(fold(Path(__file__).with_name(f"{name}.txt").read_text("utf-8")).split())


_LEGAL = {
    "en": "Ltd|Inc|Inc.|LLC|PLC|Group|& Sons|Holdings|and Sons|Co.|Corporation|Partners|Associates",
    "de": "GmbH|AG|KG|GmbH & Co. KG|e.V.|Gruppe|OHG|SE|UG",
    "fr": "SA|SARL|SAS|et Fils|S.A.|S.A.R.L.|SCOP",
    "es": "S.A.|S.L.|SL|e Hijos|y Asociados|SA",
    "it": "S.p.A.|SpA|s.r.l.|S.r.l.|e figli|Group",
    "pt": "Ltda.|S.A.|Lda.|e Filhos|ME|S/A",
    "nl": "BV|B.V.|NV|N.V.|VOF|& Zonen",
    "pl": "Sp. z o.o.|S.A.|sp. z o.o. sp. k.|SA|i Synowie",
}
_BODIES = {
    "en": "{} Hospital|{} General Hospital|University of {}|{} University|{} Medical Center|Bank of {}|{} Bank|{} City Council|{} High School|{} Clinic|{} Health|{} Insurance|{} Airlines|{} United|{} FC|Royal {} Society|{} Pharmacy|{} Times|{} Police|{} Museum|{} Foundation|{} Institute|{} Systems|{} Solutions|{} Software|{} Technologies|{} Logistics|{} Regional Medical Center|St. {} Hospital|{} Community College|{} Credit Union|{} Energy|{} Industries|{} Labs|{} Consulting|Department of {}|Church of {}",
    "de": "Universitätsklinikum {}|Klinikum {}|Stadtwerke {}|Sparkasse {}|Volksbank {}|Universität {}|Amtsgericht {}|Stadtverwaltung {}|{}er Zeitung|FC {}|Krankenhaus {}|Autohaus {}|Bäckerei {}|Gymnasium {}|{} Versicherung|{} Bau|{} Technik|{} Software|Finanzamt {}|Verlag {}",
    "fr": "Hôpital de {}|CHU de {}|Université de {}|Banque {}|Mairie de {}|Clinique {}|Lycée {}|Assurances {}|Boulangerie {}|Groupe {}|Laboratoires {}|Institut {}|Éditions {}|AS {}|Transports {}|Caisse d'Épargne {}",
    "es": "Hospital de {}|Hospital {}|Universidad de {}|Banco {}|Ayuntamiento de {}|Clínica {}|Colegio {}|Seguros {}|Grupo {}|Laboratorios {}|Instituto {}|Editorial {}|Real {}|Transportes {}|Caja {}|Farmacia {}",
    "it": "Ospedale di {}|Policlinico {}|Università di {}|Banca {}|Comune di {}|Clinica {}|Liceo {}|Assicurazioni {}|Gruppo {}|Laboratori {}|Istituto {}|Edizioni {}|US {}|Trasporti {}|Cassa di Risparmio di {}|Farmacia {}",
    "pt": "Hospital de {}|Hospital {}|Universidade de {}|Banco {}|Câmara Municipal de {}|Prefeitura de {}|Clínica {}|Colégio {}|Seguros {}|Grupo {}|Laboratório {}|Instituto {}|Editora {}|Transportes {}|Caixa {}|Farmácia {}",
    "nl": "Ziekenhuis {}|Universiteit {}|Gemeente {}|Bank {}|{} Bank|Kliniek {}|{} College|{} Verzekeringen|Groep {}|{} Groep|Instituut {}|Uitgeverij {}|FC {}|{} Transport|Bakkerij {}|Apotheek {}|Universiteit van {}",
    "pl": "Szpital {}|Uniwersytet {}|Bank {}|Urząd Miasta {}|Klinika {}|Liceum {}|Ubezpieczenia {}|Grupa {}|Laboratorium {}|Instytut {}|Wydawnictwo {}|KS {}|Transport {}|Apteka {}|Politechnika {}|Piekarnia {}",
}


class Filler:
    """Fills patterns; the same seed fills them alike."""

    def __init__(self, stock: dict[str, Stock], seed: int) -> None:
        self._stock = stock
        self._rng = random.Random(seed)  # noqa: S311 - nothing is secret here

    def texts(self, language: str, count: int) -> Iterator[Marked]:
        """Yield texts of one to three filled patterns."""
        known = patterns(language)
        for at in range(count):
            pieces = [known[at % len(known)]]
            pieces += self._rng.choices(known, k=self._rng.choice((0, 0, 1, 1, 2)))
            self._rng.shuffle(pieces)
            between = self._rng.choice((" ", " ", "|"))
            yield self.filled(between.join(pieces), language)

    def filled(self, pattern: str, language: str) -> Marked:
        """Return a pattern with names, and where they are."""
        text = ""
        marks: list[Mark] = []
        done = 0
        for slot in _SLOT.finditer(pattern):
            text += self._strange(pattern[done : slot.start()], language)
            inside = self.slot(slot[1], language)
            if kind := _KINDS.get(slot[1]):
                marks.append(Mark(len(text), len(text) + len(inside), kind))
            text += inside
            done = slot.end()
        return Marked(text + self._strange(pattern[done:], language), tuple(marks))

    def _strange(self, piece: str, language: str) -> str:
        """Return what stands between names, now and then with a word that nobody knows.

        A word is not a name just because the model never met it.
        """

        def other(found: re.Match[str]) -> str:
            word = found[0]
            noun = language == "de" and found.start() > 0
            often = _STRANGE if noun or word[0].islower() else _STRANGE_START
            if self._rng.random() > often:
                return word
            made = _chain(language).one(self._rng).lower()[: self._rng.randint(3, 9)] + word[-3:]
            return made.capitalize() if word[0].isupper() else made

        return re.sub(r"(?<!\w)[A-Za-z][a-z]{4,}(?!\w)", other, piece.replace("|", "\n"))

    def slot(self, what: str, language: str) -> str:
        """Return what fills a slot."""
        fill: dict[str, Callable[[str], str]] = {
            "P": self.person,
            "N": self._full,
            "F": self._given,
            "L": self._family,
            "R": lambda told: f"{self._family(told)}, {self._given(told)}",
            "O": self.organisation,
            "C": self.place,
            "T": lambda _: self._noun(),
            "A": lambda _: self._rng.choice(_listed("signs")),
            "M": lambda _: self._matter(),
            "D": lambda _: self._date(),
            "#": lambda _: self._number(),
        }
        return fill[what](language)

    def person(self, language: str) -> str:
        """Return a person in one of the forms that people write."""
        chance = self._rng.random()
        if chance < _ALONE:
            return self._given(language)
        if chance < _SURNAME:
            return self._family(language)
        return self._full(language)

    def _full(self, language: str) -> str:
        given, second = self._given(language), self._given(language)
        family, other = self._family(language), self._family(language)
        forms = (
            f"{given[0]}. {family}",
            f"{given} {second} {family}",
            f"{given} {second[0]}. {family}",
            f"{given} {family}-{other}",
            f"{given} {family[0]}.",
            f"{given} {self._particle(language)}{family}",
            f"{given} {family} {other}",
        )
        return f"{given} {family}" if self._rng.random() < _PLAIN else self._rng.choice(forms)

    def _particle(self, language: str) -> str:
        known = {"de": "von |von der |zu ", "nl": "van |van der |de |van den ", "fr": "de |du |Le ",
                 "es": "de |de la |del ", "it": "De |Di |Della ", "pt": "da |dos |de "}  # fmt: skip
        return self._rng.choice(known.get(language, "O'|Mac|").split("|"))

    def _given(self, language: str) -> str:
        made = self._source(language).one("given", self._rng)
        if self._rng.random() < _DOUBLE:
            made = f"{made}-{self._source(language).one('given', self._rng)}"
        return self._bent(made, language)

    def _family(self, language: str) -> str:
        return self._bent(self._source(language).one("family", self._rng), language)

    def _bent(self, name: str, language: str) -> str:
        """Return a name in another case of Polish, sometimes."""
        if language != "pl" or self._rng.random() > _BENT:
            return name
        if name.endswith("a"):
            return name[:-1] + self._rng.choice(("e", "y", "ie", "i", "o"))
        if name.endswith("i"):
            return name + self._rng.choice(("ego", "emu", "m"))
        return name + self._rng.choice(("a", "owi", "em", "ie"))

    def _source(self, language: str) -> Stock:
        return self._stock["abroad" if self._rng.random() < _ABROAD else language]

    def organisation(self, language: str) -> str:
        """Return a company or another body."""
        stock = self._stock[language]
        chance = self._rng.random()
        name = stock.one(self._rng.choice(("family", "places")), self._rng)
        if chance < _KNOWN:
            return self._rng.choice(_listed("firms"))
        if chance < _BODY:
            return fold(self._rng.choice(_BODIES[language].split("|"))).format(name)
        if chance < _FIRM:
            return f"{name} {self._rng.choice(_LEGAL[language].split('|'))}"
        family = [stock.one("family", self._rng) for _ in range(2)]
        forms = (
            name,
            f"{name}-{family[0]}",
            f"{family[0]} & {family[1]}",
            f"{name}, {family[0]} and {family[1]}",
            "".join(self._rng.choices("ABCDEFGHIKLMNOPRSTUVWZ", k=self._rng.choice((2, 3, 3, 4)))),
            f"{name}{self._rng.choice(('soft', 'tech', 'net', 'med', 'Med', 'corp', 'Tech'))}",
        )
        return self._rng.choice(forms)

    def place(self, language: str) -> str:
        """Return a town, a region or a country."""
        if self._rng.random() < _FAMOUS_TOWN:
            return self._rng.choice(patterns("towns"))
        return self._source(language).one("places", self._rng)

    def _noun(self) -> str:
        noun = self._rng.choice(_listed("nouns.de"))
        if self._rng.random() < _COMPOUND:
            return (
                noun
                + self._rng.choice(("", "s", "n"))
                + self._rng.choice(_listed("nouns.de")).lower()
            )
        return noun

    def _matter(self) -> str:
        made = self._rng.choice(_listed("matters"))
        if self._rng.random() < _COMPOUND:
            made = made[: self._rng.randint(3, 6)] + self._rng.choice(_PHARMACY)
        return made.lower() if self._rng.random() < _COMPOUND else made

    def _date(self) -> str:
        day, month = self._rng.randint(1, 28), self._rng.randint(1, 12)
        year = self._rng.randint(1940, 2026)
        forms = (
            f"{day:02}.{month:02}.{year}",
            f"{year}-{month:02}-{day:02}",
            f"{month}/{day}/{year}",
        )
        return self._rng.choice(forms)

    def _number(self) -> str:
        return str(self._rng.randint(1, 10 ** self._rng.randint(1, 8)))


_PHARMACY = (
    *("pril", "sartan", "statin", "olol", "azole", "mycin", "mab", "tinib", "pam", "ine", "ol"),
    *("itis", "osis", "emia", "oma", "algia", "pathy", "cillin", "oxin", "idone", "triptan"),
)
_ALONE, _SURNAME, _PLAIN = 0.55, 0.63, 0.72
_DOUBLE, _BENT, _ABROAD = 0.03, 0.3, 0.15
_STRANGE, _STRANGE_START = 0.14, 0.05
_KNOWN, _BODY, _FIRM, _FAMOUS_TOWN, _COMPOUND = 0.2, 0.5, 0.75, 0.35, 0.4
assert set(_LEGAL) == set(_BODIES) == set(LANGUAGES)
