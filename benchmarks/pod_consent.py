"""How soon after an edit in the pod training refuses: the edit is somebody else's, over HTTP.

    python benchmarks/pod_consent.py [--edits N] [--items N] [--server FOLDER] [--polling]

Prints one JSON object. A Community Solid Server with its stock file backend runs on loopback for
it (`deploy/solid` installs it into `.solid`). A vault with a chat is linked to a pod; a second
WebID may write its consent documents. Each round the owner allows training, the vault writes so
into the pod, and the other one takes the permission back there. A thread listens as it does while
`twin train` runs; what is measured ends when `still_permitted` refuses a batch of 16 rows, asked
again and again as by a run, each time after 5 ms. `from_sending` begins when the edit is sent,
`from_answer` when the server has taken it. `--polling` has no notices.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from console import bootstrap
from console.solid_server import SolidServer
from console.use import consenting, podding
from console.use.entering import alone
from console.use.listening import listening
from console.use.observing import FOLDER, Documents
from pod_sync import notices
from pod_sync.access import Form, document
from pod_sync.account import open_pod
from pod_sync.errors import PodChanged, PodRefused
from pod_sync.session import Access, Session
from vault.application import Export
from vault.consent import Effect, Filters, Profile, Purpose
from vault.items import Agent, Item
from vault.log.passphrase import Stretch

_PASSPHRASE = "a long passphrase"
_PATH = f"{FOLDER}message.ttl"
_ME, _OTHER = Agent(id="name:Asha Rao", name="Asha Rao"), Agent(id="name:Priya", name="Priya")
_EDITOR = """<#editor> a acl:Authorization; acl:agent <{}>;
    acl:accessTo <./>; acl:default <./>; acl:mode acl:Read, acl:Write."""
_BATCH = 16
"""Rows that a run asks for at once."""
GOAL = 1.0


def account(url: str, name: str) -> Access:
    """Make an account with a pod."""
    return open_pod(
        url, email=f"{name}@bench.example", password="six wet herons", pod=name, label="bench"
    )


def item(number: int) -> Item:
    """Return a message of a chat, in turn received and sent."""
    sent = bool(number % 2)
    return Item(
        source="bench",
        native_id=str(number),
        type="message.chat.direct." + ("sent" if sent else "received"),
        author=_ME if sent else _OTHER,
        to=(_OTHER if sent else _ME,),
        conversation="Priya",
        text=f"Question {number} about soup?" if not sent else f"answer {number}, of course",
    )


def linked(folder: Path, access: Access, items: int) -> bootstrap.Twin:
    """Return a vault with a chat, linked to a pod."""
    home = folder / "home"
    bootstrap.create(home, _PASSPHRASE)
    podding.link(
        home,
        _PASSPHRASE,
        access.url,
        podding.Credentials(
            webid=access.webid,
            issuer=access.issuer,
            client_id=access.client_id,
            secret=access.secret,
        ),
    )
    twin = bootstrap.open_(home, _PASSPHRASE)
    found = [item(number) for number in range(items)]
    twin.vault.collect(found, export=Export(locator="bench"), permits=lambda _: True)
    say(twin, "message.chat.direct.received")
    return twin


def say(twin: bootstrap.Twin, data_type: str) -> None:
    """Allow training."""
    consenting.say(
        twin,
        Effect.ALLOW,
        data_type,
        Purpose.TRAIN,
        filters=Filters(),
        redact=Profile.BALANCED,
        expires=None,
        recipient="",
    )


def edited(app: Session) -> tuple[float, float]:
    """Take the permission back in the pod; return when it was sent and when it was answered."""
    while True:
        found = app.get(_PATH, accept="text/turtle")
        assert found is not None
        body = found.body.replace(b"dpv:ConsentGiven", b"dpv:ConsentWithdrawn")
        assert body != found.body
        sent = time.monotonic()
        try:
            app.put(_PATH, body, "text/turtle", etag=found.etag)
        except PodChanged:
            continue  # the vault wrote it meanwhile
        return sent, time.monotonic()


def measured(twin: bootstrap.Twin, owner: Session, app: Session, edits: int) -> list[list[float]]:
    """Return the seconds from sending, and from the answer, of each edit."""
    documents, found = Documents(twin, owner, owner.webid), []
    for _ in range(edits):
        say(twin, "message")
        with alone(twin):
            documents.agree()
        twin.catch_up()
        rows = twin.rows()[:_BATCH]
        assert rows
        time.sleep(0.5)
        sent, answered = edited(app)
        while twin.still_permitted(rows):
            time.sleep(0.005)
        ended = time.monotonic()
        found.append([ended - sent, ended - answered])
        # What was edited is written by the listener; the next round waits for that.
        time.sleep(0.5)
    return found


def told(seconds: list[float]) -> dict[str, float]:
    """Return a distribution."""
    cuts = statistics.quantiles(seconds, n=20)
    return {
        "median": round(statistics.median(seconds), 3),
        "p95": round(cuts[18], 3),
        "longest": round(max(seconds), 3),
    }


@contextmanager
def deaf(on: bool) -> Iterator[None]:
    """Have no notices."""
    if not on:
        yield
        return
    refused = mock.Mock(side_effect=PodRefused("No notices."))
    with mock.patch.object(notices, "_service", refused):
        yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--server", type=Path, default=Path(".solid"))
    parser.add_argument("--polling", action="store_true")
    asked = parser.parse_args()
    Stretch.__init__.__kwdefaults__.update(memory=64, passes=1, lanes=1)
    with (
        tempfile.TemporaryDirectory() as name,
        SolidServer(Path(name) / "server", installed=asked.server) as server,
    ):
        owner, other = account(server.url, "ada"), account(server.url, "bob")
        twin = linked(Path(name), owner, asked.items)
        theirs = replace(other, url=owner.url)
        with Session(owner) as mine, Session(theirs) as app, deaf(asked.polling):
            Documents(twin, mine, owner.webid).agree()
            access = document(Form.WAC, owner.webid) + _EDITOR.format(other.webid).encode()
            mine.put(f"{FOLDER}.acl", access, "text/turtle")
            with listening(twin):
                time.sleep(3.0)
                found = measured(twin, mine, app, asked.edits)
        twin.close()
    from_sending, from_answer = zip(*found, strict=True)
    result = {
        "edits": asked.edits,
        "rows": asked.items // 2,
        "notices": not asked.polling,
        "goal_s": GOAL,
        "from_sending": told(list(from_sending)),
        "from_answer": told(list(from_answer)),
        "load_average": round(os.getloadavg()[0], 1),
        "within_goal": sum(one < GOAL for one in from_sending),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
