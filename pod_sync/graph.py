"""What the owner said as Turtle that other Solid applications read and edit, and back.

One document per data type, in the terms of ODRL 2.2 and DPV 2.3. What is written is what the
vault holds in force; what is read was written by anybody, and says only what it asks for.
Every node that is written has a name: an N3 Patch can delete no others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pod_sync.opaque import Ciphers, Kind
from pod_sync.reading import Document, Rule, Unreadable, read
from pod_sync.turtle import iri, quoted
from pod_sync.vocabulary import (
    EVERYTHING,
    PREFIXES,
    PROFILE,
    PURPOSES,
    REDACTIONS,
    category,
    compact,
)
from vault.consent import Effect, Pause, Purpose, Statement

__all__ = ["EVERYTHING", "Document", "Rule", "Said", "Unreadable", "documents", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A statement or a pause that is in force, and when the owner said it.

    `withdrawn` is set where a prohibition takes back what she had allowed, `observed` where
    another application wrote it into her pod.
    """

    words: Statement | Pause
    at: datetime
    withdrawn: bool = False
    observed: bool = False

    @property
    def status(self) -> str:
        """How DPV calls it."""
        if isinstance(self.words, Statement) and self.words.effect is Effect.ALLOW:
            return "ConsentGiven"
        return "ConsentWithdrawn" if self.withdrawn else "ConsentRefused"


def documents(said: Iterable[Said], owner: str, ciphers: Ciphers) -> dict[str, bytes]:
    """Write what is in force.

    Args:
        said: Statements that are in force and pauses that were not ended.
        owner: The owner's WebID.
        ciphers: What hides people, conversations and the like.

    Returns:
        For every data type named, `EVERYTHING` where a pause names none, its document: Turtle
        whose relative IRIs are resolved against wherever it lies. The same bytes for the same.
    """
    found: dict[str, list[Said]] = {}
    for one in sorted(said, key=lambda one: (one.at, one.words.id)):
        found.setdefault(one.words.type or EVERYTHING, []).append(one)
    return {
        data_type: "".join(_document(data_type, some, owner, ciphers)).encode()
        for data_type, some in sorted(found.items())
    }


# Writing.


_COMMENT = (
    "What the owner's vault holds in force about {about}. Applications may edit this document. "
    "An edit that forbids more holds as soon as the vault sees it; one that allows more waits "
    "until the owner confirms it there; a document that the vault cannot read changes nothing. "
    "People and conversations are named by IRIs that say nothing to anybody else."
)


def _document(data_type: str, said: list[Said], owner: str, ciphers: Ciphers) -> Iterator[str]:
    about = "everything" if data_type == EVERYTHING else f"items of the type {data_type}"
    for prefix, namespace in PREFIXES.items():
        yield f"@prefix {prefix}: <{namespace}> .\n"
    links = [_link(one) for one in said]
    yield _node(
        "",
        "a odrl:Privacy, dpv:ConsentRecord",
        f"dct:title {_english(f'Consent: {about}')}",
        f"rdfs:comment {_english(_COMMENT.format(about=about))}",
        "rdfs:seeAlso <../vocabulary.ttl>, <../shapes.ttl>",
        f"odrl:profile <{PROFILE}>",
        "odrl:conflict odrl:prohibit",
        f"dpv:hasDataSubject {iri(owner)}",
        f"dpv:hasPersonalData {compact(category(data_type))}",
        *links,
    )
    typed = [] if data_type == EVERYTHING else [f"v:dataType {quoted(data_type)}"]
    yield _node("all.items", "a odrl:AssetCollection", f"rdfs:label {_english(about)}", *typed)
    for purpose in sorted({s.words.purpose for s in said if isinstance(s.words, Statement)}):
        use = PURPOSES[purpose].purpose
        yield _node(
            f"for.{purpose}", "a odrl:Constraint", *_operands("odrl:purpose isA", compact(use))
        )
    for one in said:
        yield from _rule(one, about, owner, ciphers)


def _link(one: Said) -> str:
    allows = one.status == "ConsentGiven"
    return f"{'odrl:permission' if allows else 'odrl:prohibition'} {_name(one.words.id)}"


def _rule(one: Said, about: str, owner: str, ciphers: Ciphers) -> Iterator[str]:
    words = one.words
    narrowed = dict(_narrowed(words, ciphers))
    common = [
        f"odrl:target {_name(words.id, 'items') if narrowed else '<#all.items>'}",
        f"dpv:hasConsentStatus dpv:{one.status}",
        f"dpv:isIndicatedAtTime {_time(one.at)}",
    ]
    if isinstance(words, Statement) and not one.observed:
        # Who began a pause is not on the record.
        common.append(f"dpv:isIndicatedBy {iri(owner)}")
    if isinstance(words, Pause):
        label = f"{about}, paused: kept, and used for nothing"
        first = ["a odrl:Prohibition, v:Pause", "odrl:action odrl:use"]
        yield _node(words.id, *first, f"rdfs:label {_english(label)}", *common)
    else:
        yield from _of_statement(words, about, common, ciphers)
    if narrowed:
        refined = [f"odrl:refinement {_name(words.id, part)}" for part in narrowed]
        yield _node(
            (words.id, "items"),
            "a odrl:AssetCollection",
            "odrl:source <#all.items>",
            *refined,
        )
    for part, (operands, value) in narrowed.items():
        yield _node((words.id, part), "a odrl:Constraint", *_operands(operands, value))


def _of_statement(
    words: Statement, about: str, common: list[str], ciphers: Ciphers
) -> Iterator[str]:
    use = PURPOSES[words.purpose]
    allows = words.effect is Effect.ALLOW
    constraints = {}
    if words.expires is not None:
        constraints["expiry"] = ("odrl:dateTime lt", _time(words.expires))
    if words.recipient and words.purpose is Purpose.SHARE:
        shown = ciphers.shown(Kind.RECIPIENT, words.recipient)
        constraints["recipient"] = ("odrl:recipient eq", f"<{shown}>")
    redaction = REDACTIONS.get(words.redact) if allows else None
    label = f"{about} {'may' if allows else 'must not'} {use.words}"
    yield _node(
        words.id,
        f"a odrl:{'Permission' if allows else 'Prohibition'}",
        f"rdfs:label {_english(label)}",
        f"odrl:action {compact(use.action)}",
        f"dpv:hasPurpose {compact(use.purpose)}",
        f"odrl:constraint <#for.{words.purpose}>",
        *(f"odrl:constraint {_name(words.id, part)}" for part in constraints),
        *([f"odrl:duty {_name(words.id, 'redaction')}"] if redaction else []),
        *common,
    )
    for part, (operands, value) in constraints.items():
        yield _node((words.id, part), "a odrl:Constraint", *_operands(operands, value))
    if redaction:
        yield _node(
            (words.id, "redaction"),
            "a odrl:Duty",
            "odrl:action odrl:anonymize",
            f"v:redaction {compact(redaction)}",
        )


def _narrowed(words: Statement | Pause, ciphers: Ciphers) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what narrows a statement: a name of it, its operands, its value."""
    filters = words if isinstance(words, Pause) else words.filters
    if filters.source:
        shown = ciphers.shown(Kind.SOURCE, filters.source)
        yield "source", ("v:source eq", f"<{shown}>" if ":" in shown else quoted(shown))
    if filters.person:
        yield "person", ("v:person eq", f"<{ciphers.iri(Kind.PERSON, filters.person)}>")
    if isinstance(words, Pause):
        return
    filters = words.filters
    if filters.conversation:
        hidden = ciphers.iri(Kind.CONVERSATION, filters.conversation)
        yield "conversation", ("v:conversation eq", f"<{hidden}>")
    if filters.since is not None:
        yield "since", ("v:itemTime gteq", _time(filters.since))
    if filters.until is not None:
        yield "until", ("v:itemTime lt", _time(filters.until))


def _operands(operands: str, value: str) -> tuple[str, str, str]:
    left, operator = operands.split()
    return (
        f"odrl:leftOperand {left}",
        f"odrl:operator odrl:{operator}",
        f"odrl:rightOperand {value}",
    )


def _node(name: str | tuple[str, str], first: str, *rest: str) -> str:
    subject = _name(*name) if isinstance(name, tuple) else _name(name)
    return " ;\n    ".join((f"\n{subject} {first}", *rest)) + " .\n"


def _name(name: str, part: str = "") -> str:
    """Return the IRI of a node; `all.items` and `for.train` are ours, a statement's has no dot."""
    if not name:
        return "<>"
    if not name.startswith(("all.", "for.")):
        name = quote(name, safe="").replace(".", "%2E")
    return f"<#{name}{'.' + part if part else ''}>"


def _english(text: str) -> str:
    return f"{quoted(text)}@en"


def _time(at: datetime) -> str:
    """Write a time in UTC, with `+00:00`: libraries that write times anew write them so."""
    return f'"{at.astimezone(UTC).isoformat()}"^^xsd:dateTime'
