"""Names to train with: from the lists of Faker's locales, and invented ones that are on no list."""

import importlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from projections.redaction.naming.features import digest
from vault.aliases import fold

__all__ = ["LANGUAGES", "Chain", "Stock", "known_words", "stocks"]

LANGUAGES = {
    "en": ("en_US", "en_GB", "en_IE", "en_NZ"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_CH", "fr_CA", "fr_BE"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CL", "es_CO"),
    "it": ("it_IT",),
    "pt": ("pt_BR", "pt_PT"),
    "nl": ("nl_NL", "nl_BE"),
    "pl": ("pl_PL",),
}
_ABROAD = (
    "en_IN", "en_NG", "en_KE", "en_PK", "tr_TR", "sv_SE", "da_DK", "no_NO", "fi_FI", "cs_CZ",
    "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "et_EE", "lt_LT", "lv_LV", "id_ID", "vi_VN",
    "is_IS", "yo_NG", "zu_ZA", "ga_IE", "az_AZ",
)  # fmt: skip
_LISTED, _OF = 6, 10


@dataclass(frozen=True)
class Stock:
    """Names of one language.

    Args:
        given: Given names; some of them the model is never told of.
        family: Family names, likewise.
        places: Towns, regions, countries.
    """

    given: tuple[str, ...]
    family: tuple[str, ...]
    places: tuple[str, ...]
    _made: dict[str, "Chain"] = field(default_factory=dict)

    def one(self, what: str, rng: random.Random) -> str:
        """Return a name: listed, withheld from the lists, or invented."""
        names: tuple[str, ...] = getattr(self, what)
        chance = rng.random()
        if chance < _INVENTED:
            return self._chain(what, names).one(rng)
        if chance < _SYLLABLES:
            return _syllables(rng)
        return rng.choice(names)

    def _chain(self, what: str, names: Sequence[str]) -> "Chain":
        if what not in self._made:
            self._made[what] = Chain(names)
        return self._made[what]


_INVENTED, _SYLLABLES = 0.35, 0.47


class Chain:
    """Invents words whose every three letters stand in some given word in the same order."""

    def __init__(self, names: Iterable[str]) -> None:
        self._next: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if " " in name:
                continue
            rim = f"^^{name}$"
            for at in range(2, len(rim)):
                self._next[rim[at - 2 : at]].append(rim[at])

    def one(self, rng: random.Random) -> str:
        """Return a word."""
        while True:
            made = "^^"
            while made[-1] != "$" and len(made) < _LONGEST:
                made += rng.choice(self._next[made[-2:]])
            if made[-1] == "$" and len(made) > _SHORTEST:
                return made[2:-1]


_LONGEST, _SHORTEST = 15, 5


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ONSETS = _parts(
    "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sch sh st t th tr v w x y z zh"
)
_VOWELS = _parts("a a e e i i o o u ai au ei ia io oo ou y")
_CODAS = ("", "", "", *_parts("b ck d l lf m n n ng r rd s sk t th x z"))


def _syllables(rng: random.Random) -> str:
    count = rng.choice((1, 2, 2, 3))
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(count)]
    made = ("".join(parts) + rng.choice(_CODAS)).capitalize()
    return made if rng.random() > _INNER else f"{rng.choice(('Mc', 'De', 'Le', 'Mac'))}{made}"


_INNER = 0.05


def stocks() -> dict[str, Stock]:
    """Return the names of each language, and under `abroad` of others."""
    return {
        language: Stock(
            _names(locales, "first_name"),
            _names(locales, "last_name"),
            _places(locales) or _places(("en_US",)),
        )
        for language, locales in {**LANGUAGES, "abroad": _ABROAD}.items()
    }


def known_words(names: Iterable[str], *, withheld: bool) -> frozenset[int]:
    """Return digests of the words of names.

    Args:
        names: The names.
        withheld: Whether some are left out: the model must learn to do without its lists.
    """
    found = {part.lower() for name in names for part in name.replace("-", " ").split()}
    return frozenset(
        digest(part)
        for part in found
        if len(part) > 1 and not (withheld and digest(f"held {part}") % _OF >= _LISTED)
    )


def _names(locales: Iterable[str], what: str) -> tuple[str, ...]:
    found: set[str] = set()
    for locale in locales:
        found |= _listed("person", locale, what)
    return tuple(sorted(found))


def _places(locales: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for locale in locales:
        for what in ("cities", "countries", "states", "regions", "departments"):
            found |= _listed("address", locale, what)
    return tuple(sorted(name for name in found if len(name) < _PLACE))


_PLACE = 24


def _listed(topic: str, locale: str, what: str) -> set[str]:
    """Return all texts of Faker's lists whose name holds a word."""
    try:
        provider = importlib.import_module(f"faker.providers.{topic}.{locale}").Provider
    except ModuleNotFoundError:
        return set()
    found: set[str] = set()
    for name in dir(provider):
        listed = getattr(provider, name)
        if what in name and "abbr" not in name and isinstance(listed, tuple | list | dict):
            texts = (one[-1] if isinstance(one, tuple) else one for one in listed)
            found |= {fold(text) for text in texts if isinstance(text, str) and "{" not in text}
    return {text for text in found if text[:1].isupper() and text.isascii()}
