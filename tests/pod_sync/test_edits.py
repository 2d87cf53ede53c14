"""The table of edits in `specs/consent-rdf.md`, from SPARQL to what counts."""

import runpy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx2
import pytest
import rdflib

from pod_sync.consent import State, compare
from pod_sync.graph import Document, Said, documents, read
from pod_sync.oidc import Credentials, SolidOIDC
from pod_sync.opaque import Ciphers
from pod_sync.vocabulary import PREFIXES
from tests.pod_sync.said import KEY, OWNER
from vault.consent import Effect, Pause, Purpose, Statement

ROOT = Path(__file__).parents[2]
SPEC = runpy.run_path(str(ROOT / "specs" / "conftest.py"))
HEADER = "| edit | the vault reads | it is |"
BASE = "https://ada.example/twinvault/consent/message.ttl"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
MESSAGE = {"type": "message"}
A1 = Statement(id="a1", effect=Effect.ALLOW, purpose=Purpose.TRAIN, **MESSAGE)
STOOD = (
    replace(A1, expires=datetime(2026, 6, 1, tzinfo=UTC)),
    Statement(id="d1", effect=Effect.DENY, purpose=Purpose.SHARE, **MESSAGE),
    Pause(id="p1", source="mbox", **MESSAGE),
)


def rows():
    table = (ROOT / "specs" / "consent-rdf.md").read_text("utf-8").split(HEADER)[1].strip()
    for line in table.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip().strip("`") for cell in line.strip("|").split(" | "))


def edited(change):
    ciphers = Ciphers(KEY)
    content = documents([Said(words=one, at=NOW) for one in STOOD], OWNER, ciphers)["message"]
    graph = rdflib.Graph().parse(data=content, format="turtle", publicID=BASE)
    prefixes = "".join(f"PREFIX {name}: <{iri}> " for name, iri in PREFIXES.items())
    graph.update(f"BASE <{BASE}> {prefixes} {change}")
    return read("message", graph.serialize(format="turtle").encode(), ciphers, base=BASE)


def means(document):
    """What an edit means in one word, as the table has it."""
    if not isinstance(document, Document):
        return "unreadable"
    stood = [one for one in STOOD if isinstance(one, Statement)]
    state = State(said=stood, pauses=STOOD[2:], waiting=(), now=NOW)
    ids = count()
    changes = compare(document, None, state, lambda: str(next(ids)))
    found = {
        "narrower": changes.tightened or changes.paused,
        "wider": changes.loosened or changes.unpaused,
    }
    return " and ".join(word for word, some in found.items() if some) or "the same"


@pytest.mark.parametrize(("change", "says", "meaning"), list(rows()))
def test_an_edit_is_read_and_means_what_the_table_says(change, says, meaning):
    document = edited(change)
    if says != "-":
        stated = [replace(one, id="") for one in SPEC["_said"](says)]
        assert sorted((r.words for r in document.rules), key=repr) == sorted(stated, key=repr)
    assert means(document) == meaning


# By a server.

PATCH = """\
@prefix solid: <http://www.w3.org/ns/solid/terms#>. @prefix dpv: <https://w3id.org/dpv#>.
_:patch a solid:InsertDeletePatch ;
    solid:deletes {{ <#a1> dpv:hasConsentStatus dpv:{} }} ;
    solid:inserts {{ <#a1> dpv:hasConsentStatus dpv:{} }} .
"""


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.pod)])
def client(request):
    if request.param == "real":
        access, transport = request.getfixturevalue("pod"), None
    else:
        access, transport = request.getfixturevalue("fake_access"), request.getfixturevalue("fake")
    who = Credentials(issuer=access.issuer, client_id=access.client_id, secret=access.secret)
    options = {"base_url": access.url, "transport": transport, "trust_env": False, "timeout": 60}
    with httpx2.Client(auth=SolidOIDC(who), **options) as found:
        yield found


def test_another_applications_patch_withdraws_and_a_second_one_restores_the_very_graph(client):
    ciphers, path = Ciphers(KEY), "twinvault/consent/message.ttl"
    [content] = documents([Said(words=one, at=NOW) for one in STOOD], OWNER, ciphers).values()
    turtle = {"Content-Type": "text/turtle"}
    client.put(path, content=content, headers=turtle).raise_for_status()

    def patched(before, after):
        patch = {"content": PATCH.format(before, after), "headers": {"Content-Type": "text/n3"}}
        client.patch(path, **patch).raise_for_status()
        served = client.get(path, headers={"Accept": "text/turtle"})
        return read("message", served.content, ciphers, base=str(served.url))

    assert means(patched("ConsentGiven", "ConsentWithdrawn")) == "narrower"
    expected = read("message", content, ciphers, base=f"{client.base_url}{path}")
    assert patched("ConsentWithdrawn", "ConsentGiven") == expected
