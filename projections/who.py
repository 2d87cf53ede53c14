"""Who belongs together: which forms name one person, and what speaks for and against it.

A *form* is a name or an address as it is compared. Forms that are stated beside each other
are one person's, unless something says that they are two people's: then a form between
them, a name that both bear, identifies neither. All of it is a function of sets of digests,
so that the order in which things became known, and how often, make no difference.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from vault.aliases import phone, words
from vault.consent import normal

__all__ = [
    "Apart",
    "Sets",
    "forms_of",
    "identifying",
    "is_address",
    "is_name",
    "joined",
    "namesakes",
]

Apart = Mapping[bytes, set[bytes]]
"""For a digest, those that are another person's; both ways round."""

Stated = tuple[str, str]
"""An agent's id and name."""


# ---------------------------------------------------------------------- forms


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SCHEMES = frozenset({"mailto", "tel", "name", "acct"})
_ADDRESSES = frozenset({"mailto", "tel", "acct", "adr"})
_HOME = "adr:"
_TITLES = _set(
    "mr mrs ms miss mx dr prof professor sir dame rev herr frau mme mlle mevr dhr sr sra dott"
)
_SUFFIXES = _set("jr sr ii iii iv phd md mba esq dds rn cpa obe qc kc")
_FIRMS = _set("inc ltd llc llp gmbh ag co corp company plc sa bv and und et")
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]{0,80}[)\]]\s*$")
_VIA = re.compile(r"\s+via\s+[^\n]{1,80}$", re.IGNORECASE)
_REMEMBERED = 1 << 14
_ASIDES = 2
_LONGEST = 3
_MANY_WRITE = re.compile(
    r"no-?_?\.?reply|do-?_?not-?_?reply|notif(?:y|ication|ier)|mailer|daemon|bounce|newsletter"
    r"|digest|invit(?:e|ation)|alerts?(?![a-z])|updates?(?![a-z])"
)


def is_address(text: str) -> bool:
    """Whether an id or a name is an address or a number."""
    return text.partition(":")[0] in _ADDRESSES or "@" in text


def is_name(text: str) -> bool:
    """Whether a text can name a person: it is there, and is no place."""
    return bool(text) and not text.startswith(_HOME)


@lru_cache(_REMEMBERED)
def forms_of(text: str) -> tuple[str, ...]:
    """Return the forms of an id or a name: as statements write it, and as all spellings share it.

    Nair, Priya is Priya Nair, and so is Priya Nair (Acme); a number with its country's prefix
    is the number without.
    """
    form = normal(text)
    return tuple(dict.fromkeys(one for one in (form, _plain(text, form)) if one))


def _plain(text: str, form: str) -> str:
    if "@" in form.strip("@"):
        return form.strip("<>").lstrip("@")
    if digits := phone(form):
        return digits
    scheme, colon, rest = text.partition(":")
    found = _name_words(rest if colon and scheme in _SCHEMES else text)
    return " ".join(found) if len(found) > 1 else form


def _name_words(name: str) -> list[str]:
    """Return the words of a name in the order in which they are said, without what is beside."""
    name = _VIA.sub("", name[:400])
    for _ in range(_ASIDES):
        name = _ASIDE.sub("", name)
    last, comma, first = name.partition(",")
    before, after = words(last), words(first)
    if comma and before and after:
        if _SUFFIXES.issuperset(after):
            after = []
        elif _is_turned(name, before, after):
            before, after = after, before
    found = before + after
    bare = [word for word in found if word not in _TITLES]
    return bare if len(bare) > 1 else found


def _is_turned(name: str, last: list[str], first: list[str]) -> bool:
    return (
        name.count(",") == 1
        and "&" not in name
        and max(len(last), len(first)) <= _LONGEST
        and not _FIRMS.intersection(last + first)
    )


@lru_cache(_REMEMBERED)
def identifying(id_: str, name: str) -> tuple[tuple[str, ...], ...]:
    """Return the forms by which an agent is known wherever they appear, those of one person together.

    A single given name identifies nobody beside an address: there are many Sams. Nor does
    where one lives, and an address from which a service writes for many is none of theirs.
    """
    own = forms_of(id_) if id_ and not id_.startswith(_HOME) else ()
    named = forms_of(name) if is_name(name) and (len(words(name)) > 1 or not own) else ()
    if own and named and _many_write_from(own[0]):
        return named, own
    found = tuple(dict.fromkeys((*own, *named)))
    return (found,) if found else ()


def carded(agents: Sequence[Stated]) -> tuple[Stated, ...]:
    """Return the names and addresses of a contact as agents of one person.

    What identifies nobody, a single given name or where she lives, goes with her first address.
    """
    known = [(id_, name) for id_, name in agents if identifying(id_, name)]
    first = next((id_ for id_, _ in known if is_address(id_)), known[0][0] if known else "")
    return tuple(
        (first, name or id_) if first and _says_little(id_, name) else (id_, name)
        for id_, name in agents
    )


def _says_little(id_: str, name: str) -> bool:
    text = id_ or name
    return text.startswith(_HOME) or not (is_address(text) or len(words(normal(text))) > 1)


def _many_write_from(form: str) -> bool:
    local, at, _ = form.partition("@")
    return bool(at) and _MANY_WRITE.search(local) is not None


def namesakes(agents: Iterable[Stated]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the full names that one item states at several addresses, and the addresses' forms.

    Who is mentioned twice in one list of people is two people.
    """
    bearers: dict[str, dict[str, str]] = defaultdict(dict)
    for id_, name in agents:
        form = forms_of(id_)[:1]
        if form and is_address(id_) and len(words(name)) > 1 and not _many_write_from(form[0]):
            bearers[forms_of(name)[-1]].setdefault(forms_of(id_)[-1], form[0])
    for name, found in bearers.items():
        if len(found) > 1:
            yield name, tuple(sorted(found.values()))


# ---------------------------------------------------------------------- sets


class Sets:
    """Disjoint sets of digests; the smallest digest of a set stands for it."""

    def __init__(self) -> None:
        self._parent: dict[bytes, bytes] = {}

    def find(self, digest: bytes) -> bytes:
        """Return what stands for the set of a digest."""
        parent = self._parent.setdefault(digest, digest)
        while parent != digest:
            above = self._parent[digest] = self._parent[parent]
            digest, parent = parent, above
        return digest

    def link(self, digests: Iterable[bytes]) -> None:
        """Make one set of the sets of some digests."""
        roots = sorted({self.find(digest) for digest in digests})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def __iter__(self) -> Iterator[bytes]:
        """Yield every digest that was ever asked for."""
        return iter(tuple(self._parent))


def joined(groups: Sequence[Sequence[bytes]], apart: Apart) -> Sets:
    """Return who belongs together where some groups of digests are one person's each.

    Nothing joins two digests that are apart: neither a group that has both, nor a digest that
    is beside both of them, nor a longer way round. Which link gives way there depends on
    the links alone.
    """
    sets = Sets()
    if not apart:
        for group in groups:
            sets.link(group)
        return sets
    contested = _contested(groups, apart)
    doubtful: set[tuple[bytes, bytes]] = set()
    for group in groups:
        for digest in group:
            sets.find(digest)
        left = sorted({digest for digest in group if digest not in contested})
        sets.link([digest for digest in left if digest not in apart])
        doubtful.update(
            (one, other)
            for one, other in combinations(left, 2)
            if (one in apart or other in apart) and other not in apart.get(one, ())
        )
    _link_where_nothing_meets(sets, sorted(doubtful), apart)
    return sets


def _contested(groups: Sequence[Sequence[bytes]], apart: Apart) -> set[bytes]:
    """Return the digests that stand beside two which are apart."""
    beside: dict[bytes, set[bytes]] = defaultdict(set)
    for group in groups:
        for digest in group:
            if digest in apart:
                beside[digest].update(group)
    for digest, near in beside.items():
        near -= {digest, *apart[digest]}
    return {
        between
        for digest, near in beside.items()
        for other in apart[digest]
        if other in beside
        for between in near & beside[other]
    }


def _link_where_nothing_meets(
    sets: Sets, links: Iterable[tuple[bytes, bytes]], apart: Apart
) -> None:
    """Follow links, in order, but those that would bring together what is apart."""
    # What stands for a set that none of these links made yet is all in it that can be apart.
    held: dict[bytes, set[bytes]] = {}
    for one, other in links:
        root, joining = sets.find(one), sets.find(other)
        members = held.get(root, {root} & apart.keys())
        others = held.get(joining, {joining} & apart.keys())
        if root == joining or any(apart[digest] & others for digest in members):
            continue
        sets.link((root, joining))
        held[sets.find(root)] = members | others
