"""The published shapes and the reader say the same; SHACL is the judge."""

from functools import cache

import pyshacl
import pytest
import rdflib
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rdflib.namespace import OWL, RDF, RDFS, SH, SKOS

from pod_sync.graph import Document, documents, read
from pod_sync.vocabulary import PREFIXES, PROFILE, PURPOSES, REDACTIONS, published
from tests.pod_sync.said import NOW, OWNER, ciphers, saying, sayings, statement
from vault.consent import Effect, Pause, Purpose

BASE = "https://alice.example/twinvault/consent/message.email.ttl"


@cache
def shapes():
    return rdflib.Graph().parse(data=published()["shapes.ttl"], format="turtle")


def conforms(graph):
    return pyshacl.validate(graph, shacl_graph=shapes(), abort_on_first=True)[0]


def parsed(content):
    return rdflib.Graph().parse(data=content, format="turtle", publicID=BASE)


@given(sayings())
@settings(max_examples=12, deadline=None)
def test_everything_that_is_written_conforms(said):
    for content in documents(said, OWNER, ciphers()).values():
        assert conforms(parsed(content))


SAID = (
    statement(id="a", person="bob", source="mbox", since=NOW, until=NOW, expires=NOW),
    statement(Effect.DENY, id="d", purpose=Purpose.SHARE, recipient="https://a.example/"),
    Pause(id="p", type="message.email", source="mbox"),
)
KNOWN = ciphers(SAID)
[WRITTEN] = documents(saying(*SAID), OWNER, KNOWN).values()
TERMS = {PREFIXES[p] + word for p, words in {
    "odrl": "Privacy Permission Prohibition Duty Constraint permission prohibition target action"
    " constraint duty source refinement leftOperand operator rightOperand purpose dateTime"
    " recipient isA eq lt gteq gt anonymize derive use distribute conflict prohibit obligation",
    "dpv": "hasPurpose hasConsentStatus ConsentGiven ConsentWithdrawn ConsentRequested"
    " hasDataSubject hasPersonalData hasRecipient isIndicatedBy",
    "v": "Pause Train Share Strict dataType redaction person source itemTime",
    "rdf": "type",
    "rdfs": "label subClassOf",
}.items() for word in words.split()}  # fmt: skip
NAMED = sorted(parsed(WRITTEN).all_nodes() | set(map(rdflib.URIRef, TERMS)))
NODES = [node for node in NAMED if isinstance(node, rdflib.URIRef)]
OBJECTS = [*NAMED, rdflib.BNode("b"), rdflib.Literal("x" * 90), rdflib.Literal("mbox", lang="en")]
OBJECTS += [
    rdflib.Literal(text, datatype=rdflib.XSD.dateTime, normalize=False)
    for text in (
        "2027-02-28T10:00:00Z",
        "2027-02-28T10:00:00",
        "2027-02-28",
        "2027-02-28T24:00:00Z",
    )
]
PREDICATES = sorted(set(parsed(WRITTEN).predicates()) | {t for t in NODES if "#" in t})
TRIPLES = sorted(parsed(WRITTEN))

BEYOND_SHAPES = {
    "The document is about other data than its name says.",
    "A target is not of the data type of the document.",
    "A permission is about somebody or something that this vault does not know.",
    "The document defines classes of its own.",
}
"""What a shape cannot know: the name of the document, whom the vault knows."""

edits = st.one_of(
    st.tuples(st.just("remove"), st.sampled_from(TRIPLES)),
    st.tuples(st.just("add"), st.tuples(*map(st.sampled_from, (NODES, PREDICATES, OBJECTS)))),
    st.tuples(st.just("to"), st.sampled_from(TRIPLES), st.sampled_from(OBJECTS)),
    st.tuples(st.just("from"), st.sampled_from(TRIPLES), st.sampled_from(NODES)),
    st.tuples(st.just("as"), st.sampled_from(TRIPLES), st.sampled_from(PREDICATES)),
)


def apply(graph, edit):
    match edit:
        case ("remove", triple):
            graph.remove(triple)
        case ("add", triple):
            graph.add(triple)
        case (how, (s, p, o), new):
            graph.remove((s, p, o))
            graph.add({"to": (s, p, new), "from": (new, p, o), "as": (s, new, o)}[how])


def agree(graph):
    """Whether the reader and the shapes judge a graph alike."""
    found = read("message.email", graph.serialize(format="nt").encode(), KNOWN, base=BASE)
    if conforms(graph):
        return isinstance(found, Document) or found.reason in BEYOND_SHAPES
    return not isinstance(found, Document)


@given(st.lists(edits, min_size=1, max_size=3))
@example([("remove", next(t for t in TRIPLES if t[1].endswith("/permission")))])
@settings(max_examples=40, deadline=None)
def test_what_is_read_conforms_and_what_violates_a_shape_is_refused(changes):
    graph = parsed(WRITTEN)
    for change in changes:
        apply(graph, change)
    assert agree(graph)


@pytest.mark.slow
@given(st.lists(edits, min_size=1, max_size=3))
@settings(max_examples=2_000, deadline=None)
def test_what_is_read_conforms_in_a_long_run(changes):
    test_what_is_read_conforms_and_what_violates_a_shape_is_refused.hypothesis.inner_test(changes)


@pytest.mark.slow
@pytest.mark.parametrize("triple", TRIPLES)
def test_reader_and_shapes_agree_whatever_triple_is_missing(triple):
    graph = parsed(WRITTEN)
    graph.remove(triple)
    assert agree(graph)


def test_the_vocabulary_says_what_each_of_our_terms_is():
    vocabulary = rdflib.Graph().parse(data=published()["vocabulary.ttl"], format="turtle")
    used = {use.purpose for use in PURPOSES.values()} | set(REDACTIONS.values())
    used |= {
        str(term)
        for triple in shapes()
        for term in triple
        if str(term).startswith(f"{PROFILE}#") and (term, RDF.type, SH.NodeShape) not in shapes()
    } - {f"{PROFILE}#notes"}
    assert used <= set(map(str, vocabulary.subjects(RDF.type)))
    for term in vocabulary.subjects(RDF.type):
        if term != rdflib.URIRef(PROFILE):
            assert vocabulary.value(term, RDFS.label) or vocabulary.value(term, SKOS.prefLabel)
    assert vocabulary.value(rdflib.URIRef(PROFILE), OWL.versionInfo) == rdflib.Literal("1")
    for purpose in Purpose:
        broader = vocabulary.value(rdflib.URIRef(PURPOSES[purpose].purpose), SKOS.broader)
        assert broader.startswith(PREFIXES["dpv"])
