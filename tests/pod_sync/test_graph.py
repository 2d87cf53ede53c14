"""Consent as Turtle that other applications read and edit, and back."""

import logging
import random
import re
from dataclasses import replace
from hashlib import sha256, sha384

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from pod_sync import turtle
from pod_sync.graph import Document, Rule, Unreadable, documents, read
from pod_sync.turtle import MOST, Blank, Foul, Graph, canonical, parse
from tests.pod_sync.said import NOW, OWNER, as_read, ciphers, saying, sayings, statement
from vault.consent import Effect, Pause, Profile, Purpose

BASE = "https://alice.example/twinvault/consent/message.email.ttl"


def written(*words, withdrawn=()):
    [document] = documents(saying(*words, withdrawn=withdrawn), OWNER, ciphers()).values()
    return document


def test_only_what_the_owner_said_is_called_indicated_by_her():
    said = [replace(one, observed=True) for one in saying(statement())]
    [document] = documents(said, OWNER, ciphers()).values()
    assert b"dpv:isIndicatedBy" in written(statement())
    assert b"dpv:isIndicatedBy" not in document
    assert b"dpv:isIndicatedBy" not in written(Pause(id="p", type="message.email"))


def reading(content, *words, data_type="message.email"):
    return read(data_type, content, ciphers(words), base=BASE)


def words(document):
    assert isinstance(document, Document), document
    return [rule.words for rule in document.rules]


@given(sayings())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(said):
    known = ciphers([one.words for one in said])
    for data_type, content in documents(said, OWNER, known).items():
        found = read(data_type, content, known)
        assert isinstance(found, Document), found
        mine = [s.words for s in said if (s.words.type or "everything") == data_type]
        expected = [Rule(words=as_read(one), name=one.id) for one in mine]
        assert list(found.rules) == sorted(expected, key=lambda rule: rule.name)


@given(sayings(), st.randoms())
@settings(max_examples=20, deadline=None)
def test_the_same_statements_are_the_same_bytes_in_any_order(said, chance):
    shuffled = chance.sample(said, len(said))
    assert documents(said, OWNER, ciphers()) == documents(shuffled, OWNER, ciphers())


@given(sayings())
@settings(max_examples=20, deadline=None)
def test_documents_are_turtle_without_nodes_that_have_no_name(said):
    for content in documents(said, OWNER, ciphers()).values():
        graph = rdflib.Graph().parse(data=content, format="turtle", publicID=BASE)
        assert not [term for triple in graph for term in triple if isinstance(term, rdflib.BNode)]


def test_names_say_nothing_without_the_key_and_are_the_same_in_all_documents():
    bob = [
        statement(id="1", type="message", person="mailto:Bob@x.example", conversation="The Bobs"),
        statement(id="2", type="post", person="bob@x.example", source="Bob's phone"),
        statement(id="3", type="code", purpose=Purpose.SHARE, recipient="Bob Stone"),
        Pause(id="4", person="BOB@x.example"),
    ]
    found = documents(saying(*bob), OWNER, ciphers())
    assert not any(b"bob" in content.lower() for content in found.values())
    iris = [set(re.findall(rb"urn:uuid:[0-9a-f-]+(?=> \.)", c)) for c in found.values()]
    [same] = iris[1] & iris[2] & iris[3]
    assert same.split(b"-")[2].startswith(b"8")
    others = documents(saying(*bob), OWNER, ciphers(key=b"other" * 8))
    assert all(same not in content for content in others.values())


def test_no_reading_knows_people_whom_the_vault_does_not():
    bob = statement(person="bob@x.example")
    assert isinstance(reading(written(bob)), Unreadable)
    found = reading(written(statement(Effect.DENY, person="bob@x.example")))
    assert (words(found), found.unknown) == ([], ("a1",))


def test_a_prohibition_about_a_stranger_must_follow_the_shapes_too():
    stranger = statement(Effect.DENY, purpose=Purpose.SHARE, recipient="Bob Stone")
    assert reading(written(stranger)).unknown == ("a1",)
    without_target = written(stranger).replace(b"    odrl:target <#all.items> ;\n", b"")
    assert isinstance(reading(without_target), Unreadable)


# Edits by other applications.


ALLOWED = statement(id="a1", expires=NOW.replace(year=2028))
WITHDRAWN = as_read(statement(Effect.DENY))


def edited(change, *said):
    """What is read after rdflib read, changed and wrote the document, as a server does."""
    said = said or (ALLOWED,)
    graph = rdflib.Graph().parse(data=written(*said), format="turtle", publicID=BASE)
    graph.update(
        f"BASE <{BASE}> PREFIX v: <urn:uuid:b876bc4f-2ada-4073-acd8-29d8c8d19d9e#>"
        "PREFIX dpv: <https://w3id.org/dpv#> PREFIX odrl: <http://www.w3.org/ns/odrl/2/>"
        "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>" + change
    )
    return reading(graph.serialize(format="turtle"), *said)


def replaced(subject, predicate, new):
    return (
        f"DELETE {{ <{subject}> {predicate} ?o }} INSERT {{ <{subject}> {predicate} {new} }}"
        f" WHERE {{ <{subject}> {predicate} ?o }}"
    )


def test_a_document_written_anew_by_a_server_says_the_same_and_has_the_same_digest():
    assert edited("INSERT DATA {}") == reading(written(ALLOWED), ALLOWED)


@pytest.mark.parametrize("status", ["Withdrawn", "Refused", "Revoked", "Expired", "Invalidated"])
def test_a_status_that_ends_a_permission_forbids(status):
    change = replaced("#a1", "dpv:hasConsentStatus", f"dpv:Consent{status}")
    assert words(edited(change)) == [WITHDRAWN]


def test_a_second_status_that_ends_a_permission_forbids_too():
    change = "INSERT DATA { <#a1> dpv:hasConsentStatus dpv:ConsentWithdrawn }"
    assert words(edited(change)) == [WITHDRAWN]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE DATA { <> odrl:permission <#a1> }; INSERT DATA { <> odrl:prohibition <#a1> }",
        "INSERT DATA { <> odrl:prohibition <#a1> }",
        "INSERT DATA { <#a1> a odrl:Prohibition }",
    ],
)
def test_a_permission_turned_into_a_prohibition_forbids_even_half_done(change):
    assert words(edited(change)) == [WITHDRAWN]


def test_a_prohibition_whose_status_alone_is_given_stays_one():
    change = replaced("#a1", "dpv:hasConsentStatus", "dpv:ConsentGiven")
    forbidden = statement(Effect.DENY)
    assert words(edited(change, forbidden)) == [as_read(forbidden)]


def test_the_earliest_of_several_expiries_holds():
    earlier = NOW.replace(year=2027)
    change = (
        "INSERT DATA { <#a1> odrl:constraint [ odrl:leftOperand odrl:dateTime ;"
        f' odrl:operator odrl:lt ; odrl:rightOperand "{earlier.isoformat()}"^^xsd:dateTime ] }}'
    )
    assert [one.expires for one in words(edited(change))] == [earlier]
    assert [one.expires for one in words(edited(change, statement(id="a1")))] == [earlier]


def test_a_rule_that_was_removed_is_gone():
    gone = "DELETE WHERE { <> odrl:permission <#a1> }; DELETE WHERE { <#a1> ?p ?o }"
    assert words(edited(gone)) == []


ADDED = (
    "[ odrl:target <#all.items> ; odrl:action odrl:index ; dpv:hasPurpose v:Search ;"
    " dpv:hasConsentStatus dpv:Consent{} ]"
)


def test_rules_that_were_added_need_no_name():
    searching = {"purpose": Purpose.SEARCH, "id": ""}
    found = words(edited(f"INSERT DATA {{ <> odrl:prohibition {ADDED.format('Refused')} }}"))
    assert statement(Effect.DENY, **searching) in found
    found = words(edited(f"INSERT DATA {{ <> odrl:permission {ADDED.format('Given')} }}"))
    assert statement(redact=Profile.NONE, **searching) in found


def test_a_duty_of_odrl_alone_is_the_strictest_redaction():
    change = "DELETE WHERE { <#a1.redaction> v:redaction ?o }"
    assert [one.redact for one in words(edited(change))] == [Profile.STRICT]


def test_notes_change_nothing():
    change = 'INSERT DATA { <#a1> rdfs:label "Mine" . <> <http://purl.org/dc/terms/modified> 1 }'
    change = change.replace("rdfs:label", "<http://www.w3.org/2000/01/rdf-schema#label>")
    assert words(edited(change)) == [as_read(ALLOWED)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("DELETE WHERE { <#a1> dpv:hasConsentStatus ?o }", "A permission must have"),
        (replaced("#a1", "dpv:hasConsentStatus", "dpv:ConsentRequested"), "a status"),
        (replaced("#a1", "dpv:hasPurpose", "dpv:Marketing"), "a purpose or an action"),
        (replaced("#a1", "dpv:hasPurpose", "v:Search"), "a purpose or an action"),
        (replaced("#a1", "odrl:action", "odrl:sell"), "a purpose or an action"),
        (replaced("#for.train", "odrl:rightOperand", "v:Search"), "several purposes"),
        (replaced("#a1.expiry", "odrl:operator", "odrl:gt"), "compares something"),
        (replaced("#a1.expiry", "odrl:rightOperand", '"2027-01-01"'), "xsd:dateTime"),
        (
            replaced("#a1.expiry", "odrl:rightOperand", '"2027-02-30T00:00:00Z"^^xsd:dateTime'),
            "calendar",
        ),
        (
            replaced("#a1.expiry", "odrl:rightOperand", '"2027-02-03T00:00:00"^^xsd:dateTime'),
            "zone",
        ),
        (replaced("#all.items", "v:dataType", '"message"'), "data type"),
        (replaced("", "odrl:conflict", "odrl:perm"), "do not win"),
        (replaced("", "odrl:profile", "odrl:core"), "another profile"),
        (replaced("", "dpv:hasPersonalData", "dpv:PersonalData"), "other data"),
        ("INSERT DATA { <#a1> odrl:remedy [ odrl:action odrl:delete ] }", "does not know"),
        ("INSERT DATA { <#a1> dpv:hasRecipient dpv:ThirdParty }", "does not know"),
        (
            (
                "INSERT DATA { <#a1> odrl:constraint <#to> . <#to> odrl:leftOperand odrl:recipient"
                " ; odrl:operator odrl:eq ; odrl:rightOperand <https://a.example/> }"
            ),
            "recipients",
        ),
        ("INSERT DATA { <> odrl:obligation <#a1> }", "does not know"),
        ("INSERT DATA { <#other> a odrl:Prohibition }", "is not among"),
        ("INSERT DATA { <#other> a odrl:Privacy }", "exactly one odrl:Privacy"),
        ("INSERT DATA { <#other> odrl:prohibition <#a1> }", "is not among"),
        ("INSERT DATA { <#a1> a v:Pause }", "pause"),
    ],
)
def test_an_edit_that_cannot_be_followed_makes_the_document_unreadable(change, reason):
    found = edited(change)
    assert isinstance(found, Unreadable)
    assert reason in found.reason


# Hostile documents.


@pytest.mark.parametrize(
    "content",
    [
        b"a" * (MOST + 1),
        b"<a:a> <a:b> " + b"[ <a:b> " * 30_000,
        b"<a:a> <a:b> " + b"(" * 200_000,
        b'<a:a> <a:b> """' + b'"' * 200_000,
        b'<a:a> <a:b> "' + b"x" * 200_000 + b'" .',
        b"<a:a> <a:b> " + b"1" * 200_000 + b" .",
        b"<a:a> <a:b> " + b"1" * 200_000 + b".0 .",
        b"@prefix a: <http://" + b"a" * 200_000 + b"> . " + b"a:a a:b a:c . " * 50_000,
        b"@base <http://a/" + b"a/" * 900 + b"> . <" + b"../" * 80_000 + b"> a <a:b> .",
        b"".join(b"_:b%d <a:b> _:b%d . " % (n, n + 1) for n in range(10_000)),
        b"<a:a> <a:b> " + b"(1 2 3), " * 30_000 + b"1 .",
        b"<a:a> <a:b> " + b"1," * 400_000 + b"1 .",
        b"".join(b"_:a%d <a:p> _:b%d . " % (i, j) for i in range(12) for j in range(12)),
        b"".join(b"<a:%d> <a:b> <a:c> . " % n for n in range(40_000)),
        b"<< <a:a> <a:b> <a:c> >> <a:d> <a:e> .",
        b"<a:g> { <a:a> <a:b> <a:c> }",
        b"{ <a:a> <a:b> <a:c> } <a:d> <a:e> .",
        b"@forAll <a:b> . <a:b> <a:c> <a:d> .",
        b"<a:a> <a:b> <a:c\x00d> .",
        b"<a:a> <a:b> <javascript:alert('x y')> .",
        b'<a:a> <a:b> "\\uD800" .',
        b'<a:a> <a:b> "\\UFFFFFFFF" .',
        b'"text" <a:b> <a:c> .',
        "<a:a> <a:b> <a:c> .".encode("utf-16"),
        b"\0" * 1000,
        b"<a:a> <a:b> 'secret'^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral> .",
        b"",
    ],
)
def test_hostile_documents_are_refused_in_one_sentence_and_logged_nowhere(content, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    found = reading(content)
    assert isinstance(found, Unreadable)
    assert re.fullmatch(r"[A-Z][^.]{5,90}\.", found.reason.replace("dpv:", "").replace(":", ""))
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_a_document_may_say_only_so_much():
    with pytest.raises(Foul, match="says more than"):
        parse(b"<a:a> <a:b> " + b"1," * 40_000 + b"1 .", BASE)


@given(st.binary(max_size=200) | st.text(alphabet="<>[]() ;,.@#:_\"'\\ab1\n", max_size=80))
@settings(max_examples=150, deadline=None)
def test_no_bytes_make_reading_fail(content):
    assert isinstance(reading(content), Unreadable)


@given(st.integers(0, 5000), st.sampled_from(["", "<", '"', ";", "a:", "[", "v:Strict", "\n#"]))
@settings(max_examples=60, deadline=None)
def test_a_document_with_a_few_bytes_changed_is_read_or_refused(at, new):
    content = written(ALLOWED, Pause(id="p", type="message.email"))
    at %= len(content)
    found = reading(content[:at] + new.encode() + content[at + 1 :])
    assert isinstance(found, Document | Unreadable)


def test_the_name_of_a_document_must_be_a_data_type():
    assert isinstance(read("../x", b"", ciphers()), Unreadable)


# Canonical graphs.


def graph(edges, names):
    found = Graph()
    for one, other in edges:
        found.add((Blank(names[one]), "http://example.org/vocab#p", Blank(names[other])))
    return found


def both_ways(edges):
    return [pair for a, b in edges for pair in ((a, b), (b, a))]


# Two graphs whose nodes all look alike from near by: the prism and K(3,3).
ALIKE = both_ways(
    [(a, b) for a in (0, 1, 2) for b in (3, 4, 5)]
    + [(6, 7), (7, 8), (8, 6), (9, 10), (10, 11), (11, 9), (6, 9), (7, 10), (8, 11)]
)


@pytest.mark.parametrize("seed", range(4))
def test_canonical_graphs_are_those_of_rdfc_1_0(seed, monkeypatch):
    # Test 75 of the W3C's suite for RDF Dataset Canonicalization, which hashes with SHA-384.
    monkeypatch.setattr(turtle, "sha256", sha384)
    chance = random.Random(seed)
    found = canonical(graph(chance.sample(ALIKE, 36), chance.sample(range(12), 12)))
    assert sha256(found).hexdigest() == (
        "2dd8bba9de922e5d6f364920318e3b11248cef0679a6492703164b39f5c22b0c"
    )


@given(st.permutations(range(12)))
@settings(max_examples=10, deadline=None)
def test_the_canonical_graph_does_not_depend_on_how_nodes_are_called(names):
    assert canonical(graph(ALIKE, names)) == canonical(graph(ALIKE[::-1], range(12)))


def test_graphs_that_differ_have_different_canonical_forms():
    names = range(12)
    assert canonical(graph(ALIKE[:-2], names)) != canonical(graph(ALIKE[2:], names))


def test_a_graph_that_cannot_be_told_apart_in_bounded_time_is_refused():
    with pytest.raises(Foul):
        canonical(graph([(a, b) for a in range(12) for b in range(12) if a != b], range(12)))


def test_texts_are_written_as_n_quads_canonically():
    text = b'<a:a> <a:b> "\\t\\b\\n\\r\\f\\"\\\\\\u007F\\u00e9", "x"@EN, "1"^^<a:c>, 007 .'
    assert canonical(parse(text, BASE)).decode().splitlines() == [
        '<a:a> <a:b> "1"^^<a:c> .',
        '<a:a> <a:b> "7"^^<http://www.w3.org/2001/XMLSchema#integer> .',
        '<a:a> <a:b> "\\t\\b\\n\\r\\f\\"\\\\\\u007Fé" .',
        '<a:a> <a:b> "x"@en .',
    ]
