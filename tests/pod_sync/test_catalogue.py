"""What the pod tells of the items in it."""

import random
from datetime import date

import rdflib

from pod_sync.catalogue import Counted, catalogue
from tests.pod_sync.said import OWNER

BASE = "https://alice.example/twinvault/catalogue/items.ttl"
ROWS = [
    Counted(type="message.email", month="2025-02", items=3, bytes=5_000),
    Counted(type="message.email", month="2024-12", items=40, bytes=100_000),
    Counted(type="message.email", month="", items=1, bytes=1),
    Counted(type="post", month="9999-12", items=2, bytes=2_048),
    Counted(type="health", month="2025-02", items=0, bytes=0),
]


def asked(query, rows=ROWS):
    graph = rdflib.Graph().parse(data=catalogue(rows, OWNER), format="turtle", publicID=BASE)
    return {tuple(term.toPython() for term in row) for row in graph.query(query)}


def test_a_query_finds_counts_and_sizes_by_type_and_month():
    found = asked(
        """
        PREFIX void: <http://rdfs.org/ns/void#>
        SELECT ?type ?from ?to ?items ?size WHERE {
          ?part dcat:inSeries [ v:dataType ?type ] ; dct:temporal ?month ; void:entities ?items ;
            dcat:distribution [ dcat:byteSize ?size ] .
          ?month dcat:startDate ?from ; dcat:endDate ?to }""".replace(
            "SELECT",
            "PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX dct: <http://purl.org/dc/terms/>"
            "PREFIX v: <urn:uuid:b876bc4f-2ada-4073-acd8-29d8c8d19d9e#> SELECT",
        )
    )
    assert found == {
        ("message.email", date(2024, 12, 1), date(2024, 12, 31), 40, 100_352),
        ("message.email", date(2025, 2, 1), date(2025, 2, 28), 3, 5_120),
        ("post", date(9999, 12, 1), date(9999, 12, 31), 2, 2_048),
    }


def test_all_items_of_a_type_are_counted_those_without_a_date_too():
    found = asked("""
        PREFIX void: <http://rdfs.org/ns/void#> PREFIX dcat: <http://www.w3.org/ns/dcat#>
        SELECT ?series ?items WHERE { ?series a dcat:DatasetSeries ; void:entities ?items }""")
    assert found == {(f"{BASE}#message.email", 44), (f"{BASE}#post", 2)}


def test_a_type_without_items_in_the_pod_is_not_told():
    assert b"health" not in catalogue(ROWS, OWNER)


def test_the_same_counts_are_the_same_bytes_in_any_order():
    assert catalogue(random.sample(ROWS, len(ROWS)), OWNER) == catalogue(ROWS, OWNER)
