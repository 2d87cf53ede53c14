"""Mirrors in a pod for tests: devices of one owner on a server in this process."""

import json
from hashlib import sha256

from pod_sync.memory import Fleeting
from pod_sync.place import PodPlace
from pod_sync.scrub import scrub
from pod_sync.session import Patience, Session
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod
from tests.vault.log.logkit import PASSPHRASE, create
from vault import mirrors, restoring
from vault.log import home

A, B, C = "aa" * 8, "bb" * 8, "cc" * 8
ROOT = "twinvault/"


def named(kind, *fields, content):
    tail = (len(content), sha256(content).hexdigest()[:32])
    return "-".join(map(str, (kind, *fields, *tail))), content


def segment(feed=A, number=0):
    return named("segment", feed, number, number + 1, content=f"{feed} {number} ".encode() * 900)


def head(feed=A, size=1):
    return named("head", feed, size, content=f"head {feed} {size}".encode())


class Pod:
    """A pod on a server in this process, and the devices of one owner."""

    def __init__(self):
        self.server = FakePod()
        self.access = new_pod(self.server.url, self.server)
        self.memories = {}

    def device(self, feed=A):
        """A new run of a device."""
        patience = Patience(sleep=lambda _: None)
        session = Session(self.access, transport=self.server, patience=patience)
        return PodPlace(session, feed, self.memories.setdefault(feed, Fleeting()))

    def gave(self, *files, feed=A):
        place = self.device(feed)
        place.sizes()
        for file in files:
            place.write(*file)
        place.flush()
        place.settle(b"settled")
        return place

    def asked(self, work):
        """The requests that something makes."""
        before = len(self.server.requests)
        work()
        return [method for method, _ in self.server.requests[before:]]

    def path(self, end):
        [found] = [path for path in self.server.files if path.endswith(end)]
        return found

    def files(self):
        return sorted(p.rsplit("/", 1)[1] for p in self.server.files if f"/{ROOT}files/" in p)

    def index(self, feed=A):
        """The newest index of a device, and its path."""
        paths = [path for path in self.server.files if f"/index/{feed}-" in path]
        newest = max(paths, key=lambda path: json.loads(self.server.files[path].body)["number"])
        return json.loads(self.server.files[newest].body), newest

    def rewrite(self, feed=A, **changed):
        index, path = self.index(feed)
        self.server.write(path, json.dumps({**index, **changed}).encode(), "application/json")


class Died(BaseException):
    pass


class Vaults:
    """Devices of one vault that meet in a pod alone."""

    def __init__(self, folder):
        self.folder = folder
        self.pod = Pod()
        self.logs = {}
        (folder / "one").mkdir()
        self.logs["one"] = create(folder / "one")

    def home(self, name):
        return self.folder / name / "home"

    def place(self, name):
        return self.pod.device(self.logs[name].feed.hex())

    def sync(self, name):
        log = self.logs[name]
        with self.place(name) as place:
            if place.sizes():
                mirrors.take(log, place)
            mirrors.give(log, self.home(name), place)
            place.settle(b"settled")

    def restore(self, name):
        (self.folder / name).mkdir()
        self.restored = restoring.restore(self.home(name), self.pod.device(""), PASSPHRASE, name)
        self.logs[name] = home.open_(self.home(name), PASSPHRASE)

    def scrub(self, name):
        with self.place(name) as place:
            return scrub(place, PASSPHRASE)

    def on_disk(self, kind):
        return [path for path in self.pod.server.files if f"/{kind}-" in path]

    def close(self):
        for log in self.logs.values():
            log.close()
