"""What a document in the pod asks for, whoever wrote it.

The host and every other application are strangers here. A document is read whole or not at
all: what this vault would have to overlook might be the very thing that somebody wanted to
forbid. Within a rule the prohibition wins. `shapes.ttl` says the same as this module does.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import unquote

from pod_sync.opaque import Ciphers, Kind
from pod_sync.turtle import MOST, Foul, Graph, Node, Term, Text, canonical, parse
from pod_sync.vocabulary import (
    DPV,
    EVERYTHING,
    ODRL,
    OURS,
    PREFIXES,
    PROFILE,
    PROV,
    PURPOSES,
    RDF,
    RDFS,
    REDACTIONS,
    SKOS,
    SOURCE,
    WEB,
    XSD,
    category,
)
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, check_type
from vault.errors import UsageError

__all__ = ["Document", "Rule", "Unreadable", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a rule of a document asks for.

    `words` has no id. `name` is the end of the rule's IRI: the id of the statement or pause
    that the vault wrote there, unless somebody else chose it; empty where it has none.
    """

    words: Statement | Pause
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a document asks for.

    `unknown` are the names of prohibitions about a person, a conversation, a source or a
    recipient of whom this vault knows nothing: they can forbid nothing, and stand in no rule.
    `digest` is the SHA-256 of the canonical graph: the same however it is written down.
    """

    type: str
    rules: tuple[Rule, ...]
    digest: bytes
    unknown: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Why a document says nothing to this vault, in one sentence without any of its content."""

    reason: str


def read(
    data_type: str,
    content: bytes,
    ciphers: Ciphers,
    *,
    base: str = "http://document.invalid/",
    most: int = MOST,
) -> Document | Unreadable:
    """Read what a document asks for; never raises for its content.

    Args:
        data_type: Which document it is, as `pod_sync.graph.documents` names them.
        content: Turtle.
        ciphers: What finds people, conversations and the like again.
        base: Where the document lies. A server may write relative IRIs out when it patches, so
            digests are compared of documents that were read with their own address.
        most: So many bytes it may have.
    """
    try:
        if data_type != EVERYTHING:
            check_type(data_type)
        graph = parse(content, base, most=most)
        digest = sha256(canonical(graph)).digest()
        return _Reading(graph, data_type, ciphers).document(digest)
    except UsageError:
        return Unreadable(reason="The name of the document is no data type.")
    except Foul as foul:
        return Unreadable(reason=str(foul))


_TYPE: Final = f"{RDF}type"
_PREFIXES: Final = PREFIXES | {"prov": PROV, "skos": SKOS}


def _iris(words: str) -> frozenset[str]:
    pairs = (word.split(":") for word in words.split())
    return frozenset(_PREFIXES[prefix] + local for prefix, local in pairs)


_NOTES: Final = _iris(
    "rdfs:label rdfs:comment rdfs:seeAlso rdfs:isDefinedBy"
    " skos:prefLabel skos:altLabel skos:definition skos:note"
    " dct:title dct:description dct:created dct:modified dct:issued dct:creator dct:contributor"
    " dct:publisher dct:identifier dct:hasVersion dct:language dct:license"
    " prov:wasAttributedTo prov:generatedAtTime prov:wasDerivedFrom prov:wasRevisionOf"
    " dpv:isIndicatedBy dpv:isIndicatedAtTime"
)
"""What may be said of anything, and changes nothing."""


class _Kind(NamedTuple):
    """What may be said of a node: its types, its predicates besides notes."""

    name: str
    types: frozenset[str]
    predicates: frozenset[str]


_POLICY: Final = _Kind(
    "The document",
    _iris("odrl:Policy odrl:Privacy odrl:Set dpv:ConsentRecord"),
    _iris(
        "odrl:profile odrl:conflict odrl:permission odrl:prohibition"
        " dpv:hasDataSubject dpv:hasPersonalData"
    ),
)
_RULE: Final = _Kind(
    "A rule",
    _iris("odrl:Rule odrl:Permission odrl:Prohibition v:Pause"),
    _iris("odrl:target odrl:action odrl:constraint odrl:duty dpv:hasPurpose dpv:hasConsentStatus"),
)
_CONDITION: Final = _Kind(
    "A constraint",
    _iris("odrl:Constraint"),
    _iris("odrl:leftOperand odrl:operator odrl:rightOperand"),
)
_ITEMS: Final = _Kind(
    "A target",
    _iris("odrl:Asset odrl:AssetCollection"),
    _iris("v:dataType odrl:source odrl:refinement"),
)
_DUTY: Final = _Kind("A duty", _iris("odrl:Duty"), _iris("odrl:action v:redaction"))

_GIVEN: Final = _iris("dpv:ConsentGiven dpv:RenewedConsentGiven")
_ENDED: Final = _iris(
    "dpv:ConsentRefused dpv:ConsentWithdrawn dpv:ConsentRevoked dpv:ConsentExpired"
    " dpv:ConsentInvalidated"
)
_PURPOSES: Final = {use.purpose: purpose for purpose, use in PURPOSES.items()}
_PROFILES: Final = {iri: profile for profile, iri in REDACTIONS.items()}
_TIME: Final = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
)


class _Condition(NamedTuple):
    """A constraint or a refinement: what it is about, how it compares, with what."""

    left: str
    operator: str
    right: Term


_Narrowed = dict[tuple[str, str], Term]
"""What refinements of a target compare, and with what."""

_NOT_OF_PAUSES: Final = _iris("odrl:constraint odrl:duty dpv:hasPurpose")
_SINCE: Final = (f"{OURS}itemTime", f"{ODRL}gteq")
_UNTIL: Final = (f"{OURS}itemTime", f"{ODRL}lt")
_WORDS: Final = {
    kind: (f"{OURS}{kind}", f"{ODRL}eq") for kind in (Kind.SOURCE, Kind.CONVERSATION, Kind.PERSON)
}
_REFINEMENTS: Final = frozenset((_SINCE, _UNTIL, *_WORDS.values()))
_CONSTRAINTS: Final = frozenset(
    (f"{ODRL}{left}", f"{ODRL}{operator}")
    for left, operator in (("purpose", "isA"), ("dateTime", "lt"), ("recipient", "eq"))
)


class _Stranger(Exception):
    """A rule is about somebody or something that this vault does not know."""


class _Reading:
    """One document being read: every node is looked at once, wherever it is used."""

    def __init__(self, graph: Graph, data_type: str, ciphers: Ciphers) -> None:
        self._graph = graph
        self._type = data_type
        self._ciphers = ciphers
        self._policy = self._only_policy()
        self._permitted = set(graph.objects(self._policy, f"{ODRL}permission"))
        self._forbidden = set(graph.objects(self._policy, f"{ODRL}prohibition"))
        self._constraints = self._conditions("constraint", _CONSTRAINTS)
        self._refinements = self._conditions("refinement", _REFINEMENTS)
        self._duties = {node: self._duty(node) for node in graph.reached(f"{ODRL}duty")}
        self._targets()

    def document(self, digest: bytes) -> Document:
        rules: list[Rule] = []
        unknown: list[str] = []
        for node in self._linked():
            allows = self._allows(node)
            try:
                rules.append(Rule(words=self._words(node, allows), name=self._name(node)))
            except _Stranger:
                if allows:
                    raise Foul(
                        "A permission is about somebody or something that this vault does not know."
                    ) from None
                unknown.append(self._name(node))
        rules.sort(key=lambda rule: (rule.name, repr(rule.words)))
        return Document(
            type=self._type, rules=tuple(rules), digest=digest, unknown=tuple(sorted(unknown))
        )

    # What anything must be.

    def _closed(self, node: Term, kind: _Kind) -> Node:
        if isinstance(node, Text):
            raise Foul(f"{kind.name} is a text.")
        for predicate, found in self._graph.about(node):
            if predicate == _TYPE:
                if found not in kind.types:
                    raise Foul(f"{kind.name} is of a type that this vault does not know.")
            elif predicate not in kind.predicates and predicate not in _NOTES:
                raise Foul(f"{kind.name} says something that this vault does not know.")
        return node

    def _one(self, node: Term, predicate: str, kind: _Kind) -> Term:
        found = self._graph.objects(node, predicate)
        if len(found) != 1:
            word = re.split("[#/]", predicate)[-1]
            raise Foul(f"{kind.name} must have exactly one {word}.")
        return found[0]

    def _only_policy(self) -> Node:
        policies = self._graph.subjects(_TYPE, [f"{ODRL}Privacy"])
        if len(policies) != 1:
            raise Foul("The document must hold exactly one odrl:Privacy policy.")
        policy = self._closed(policies.pop(), _POLICY)
        if self._one(policy, f"{ODRL}profile", _POLICY) != PROFILE:
            raise Foul("The document follows another profile of ODRL.")
        if self._one(policy, f"{ODRL}conflict", _POLICY) != f"{ODRL}prohibit":
            raise Foul("In the document prohibitions do not win over permissions.")
        if not isinstance(self._one(policy, f"{DPV}hasDataSubject", _POLICY), str):
            raise Foul("The document's data subject has no IRI.")
        if self._one(policy, f"{DPV}hasPersonalData", _POLICY) != category(self._type):
            raise Foul("The document is about other data than its name says.")
        return policy

    def _linked(self) -> set[Term]:
        """Return all rules; refuse others: an application may believe that they are said here.

        A permission that was taken out of its list, and of which more was left, is gone.
        """
        linked = self._permitted | self._forbidden
        typed = self._graph.subjects(_TYPE, _RULE.types - {f"{ODRL}Permission"})
        owners = self._graph.having(f"{ODRL}permission") | self._graph.having(f"{ODRL}prohibition")
        if not typed <= linked or not owners <= {self._policy}:
            raise Foul("A rule is not among the permissions and prohibitions of the document.")
        if self._graph.having(f"{RDFS}subClassOf"):
            raise Foul("The document defines classes of its own.")
        return linked

    # Parts of rules.

    def _conditions(
        self, predicate: str, wanted: frozenset[tuple[str, str]]
    ) -> dict[Term, _Condition]:
        found = {}
        for node in self._graph.reached(f"{ODRL}{predicate}"):
            self._closed(node, _CONDITION)
            left = self._one(node, f"{ODRL}leftOperand", _CONDITION)
            operator = self._one(node, f"{ODRL}operator", _CONDITION)
            right = self._one(node, f"{ODRL}rightOperand", _CONDITION)
            if (left, operator) not in wanted:
                raise Foul("A constraint compares something that this vault does not know.")
            found[node] = _Condition(str(left), str(operator), right)
            _check(found[node])
        return found

    def _duty(self, node: Term) -> Profile:
        """Without our term it is as strict as can be."""
        self._closed(node, _DUTY)
        if self._one(node, f"{ODRL}action", _DUTY) != f"{ODRL}anonymize":
            raise Foul("A duty asks for something that this vault does not know.")
        profiles = self._graph.objects(node, f"{OURS}redaction")
        if not profiles:
            return Profile.STRICT
        known = [_PROFILES.get(str(iri)) for iri in profiles]
        if len(known) != 1 or known[0] is None or isinstance(profiles[0], Text):
            raise Foul("A duty asks for a redaction that this vault does not know.")
        return known[0]

    def _targets(self) -> None:
        """All items of the document's type, or, with a source, what is narrowed from them."""
        sources = self._graph.reached(f"{ODRL}source")
        for node in self._graph.reached(f"{ODRL}target") | sources:
            self._closed(node, _ITEMS)
            from_ = self._graph.objects(node, f"{ODRL}source")
            refinements = self._graph.objects(node, f"{ODRL}refinement")
            typed = [] if from_ or self._type == EVERYTHING else [Text(self._type)]
            if list(self._graph.objects(node, f"{OURS}dataType")) != typed:
                raise Foul("A target is not of the data type of the document.")
            if len(from_) > 1 or (node in sources and (from_ or refinements)):
                raise Foul("A target is narrowed from something that is narrowed itself.")
            if len({self._refinements[r][:2] for r in refinements}) < len(refinements):
                raise Foul("A target is narrowed twice by the same.")

    # Rules.

    def _name(self, node: Term) -> str:
        document = str(self._policy).partition("#")[0] + "#"
        named = isinstance(node, str) and node.startswith(document)
        return unquote(str(node).removeprefix(document)) if named else ""

    def _allows(self, node: Term) -> bool:
        """Whatever forbids wins: where a rule is linked, its type, any of its statuses."""
        statuses = set(self._graph.objects(node, f"{DPV}hasConsentStatus"))
        if not statuses <= _GIVEN | _ENDED:
            raise Foul("A rule has a status that this vault does not know.")
        if node in self._permitted and not statuses:
            raise Foul("A permission must have a dpv:hasConsentStatus.")
        typed = f"{ODRL}Prohibition" in self._graph.objects(node, _TYPE)
        return node not in self._forbidden and not typed and statuses <= _GIVEN

    def _was_permission(self, node: Term) -> bool:
        """Whether a prohibition was made of a permission, whose end is none of the withdrawal's."""
        typed = f"{ODRL}Permission" in self._graph.objects(node, _TYPE)
        return typed or node in self._permitted

    def _words(self, node: Term, allows: bool) -> Statement | Pause:
        self._closed(node, _RULE)
        duties = self._graph.objects(node, f"{ODRL}duty")
        if len(duties) > 1:
            raise Foul("A rule has more than one duty.")
        narrowed = self._narrowed(node)
        if f"{OURS}Pause" in self._graph.objects(node, _TYPE):
            return self._pause(node, narrowed)
        purpose = _PURPOSES.get(str(self._one(node, f"{DPV}hasPurpose", _RULE)))
        action = self._one(node, f"{ODRL}action", _RULE)
        if purpose is None or action != PURPOSES[purpose].action:
            raise Foul("A rule has a purpose or an action that this vault does not know.")
        if self._type == EVERYTHING:
            raise Foul("Only pauses may be about everything.")
        expires, recipient = self._limits(node, purpose)
        redact = self._duties[duties[0]] if duties else Profile.NONE
        return Statement(
            id="",
            effect=Effect.ALLOW if allows else Effect.DENY,
            type=self._type,
            purpose=purpose,
            filters=self._filters(narrowed),
            redact=redact if allows else Profile.BALANCED,
            recipient=self._known(Kind.RECIPIENT, recipient),
            expires=None if not allows and self._was_permission(node) else expires,
        )

    def _pause(self, node: Term, narrowed: _Narrowed) -> Pause:
        if node in self._permitted:
            raise Foul("A pause stands among the permissions.")
        if any(self._graph.objects(node, predicate) for predicate in _NOT_OF_PAUSES):
            raise Foul("A pause has a purpose or a condition.")
        if self._one(node, f"{ODRL}action", _RULE) != f"{ODRL}use":
            raise Foul("A pause has an action other than odrl:use.")
        if not narrowed.keys() <= {_WORDS[Kind.SOURCE], _WORDS[Kind.PERSON]}:
            raise Foul("A pause is narrowed by more than a source and a person.")
        filters = self._filters(narrowed)
        data_type = "" if self._type == EVERYTHING else self._type
        return Pause(id="", type=data_type, source=filters.source, person=filters.person)

    def _limits(self, node: Term, purpose: Purpose) -> tuple[datetime | None, Term | None]:
        """Return when a rule ends, the earliest of several ends, and to whom it is."""
        conditions = [self._constraints[c] for c in self._graph.objects(node, f"{ODRL}constraint")]
        purposes = [c.right for c in conditions if c.left == f"{ODRL}purpose"]
        recipients = [c.right for c in conditions if c.left == f"{ODRL}recipient"]
        if any(_PURPOSES[str(iri)] is not purpose for iri in purposes):
            raise Foul("A rule has several purposes.")
        if len(recipients) > (1 if purpose is Purpose.SHARE else 0):
            raise Foul("A rule has recipients that this vault does not know what to do with.")
        ends = [_moment(c.right) for c in conditions if c.left == f"{ODRL}dateTime"]
        return min(ends, default=None), recipients[0] if recipients else None

    def _narrowed(self, node: Term) -> _Narrowed:
        target = self._one(node, f"{ODRL}target", _RULE)
        refinements = self._graph.objects(target, f"{ODRL}refinement")
        conditions = (self._refinements[refinement] for refinement in refinements)
        return {(c.left, c.operator): c.right for c in conditions}

    def _filters(self, narrowed: _Narrowed) -> Filters:
        since, until = narrowed.get(_SINCE), narrowed.get(_UNTIL)
        words = {kind: self._known(kind, narrowed.get(about)) for kind, about in _WORDS.items()}
        return Filters(
            source=words[Kind.SOURCE],
            conversation=words[Kind.CONVERSATION],
            person=words[Kind.PERSON],
            since=None if since is None else _moment(since),
            until=None if until is None else _moment(until),
        )

    def _known(self, kind: Kind, right: Term | None) -> str:
        if right is None:
            return ""
        if isinstance(right, Text):
            return right.value
        if kind is Kind.RECIPIENT and WEB.fullmatch(str(right)):
            return str(right)
        word = self._ciphers.word(kind, str(right))
        if word is None:
            raise _Stranger
        return word


def _check(condition: _Condition) -> None:
    """Refuse a condition whose right side is not of the form that its left side asks for."""
    left, right = condition.left, condition.right
    if left in {f"{ODRL}dateTime", f"{OURS}itemTime"}:
        _moment(right)
        return
    if left == f"{ODRL}purpose":
        fits = not isinstance(right, Text) and right in _PURPOSES
    elif left == f"{OURS}source" and isinstance(right, Text):
        fits = right.datatype == f"{XSD}string" and SOURCE.fullmatch(right.value) is not None
    else:
        fits = isinstance(right, str)
    if not fits:
        raise Foul("A constraint compares with something that this vault does not know.")


def _moment(text: Term) -> datetime:
    if not isinstance(text, Text) or text.datatype != f"{XSD}dateTime":
        raise Foul("A time is not an xsd:dateTime.")
    if not _TIME.fullmatch(text.value):
        raise Foul("A time is not a date and time with its zone.")
    try:
        return datetime.fromisoformat(text.value).astimezone(UTC)
    except (OverflowError, ValueError):
        raise Foul("A time is on no day of the calendar.") from None
