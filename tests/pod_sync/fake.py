"""A Solid server in this process: the answers of Community Solid Server 7.2, as measured.

What tests of the client need of it, quirks included, and hooks for a host that fails or
cheats: `files` is its disk. That it answers as the real one does is what the contract tests.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2

from tests.pod_sync.fake_accounts import Accounts
from tests.pod_sync.fake_graphs import Refused, authorised, linked_data, patched, sparql_updated

__all__ = ["Clock", "FakePod", "File"]

LDP = "http://www.w3.org/ns/ldp#"
MODES = ("append", "control", "read", "write")
PREFIXES = """\
@prefix dc: <http://purl.org/dc/terms/>.
@prefix ldp: <http://www.w3.org/ns/ldp#>.
@prefix posix: <http://www.w3.org/ns/posix/stat#>.
@prefix xsd: <http://www.w3.org/2001/XMLSchema#>.
"""
ROOT_ACL = """\
@prefix acl: <http://www.w3.org/ns/auth/acl#>.
@prefix foaf: <http://xmlns.com/foaf/0.1/>.
<#public> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <./>; acl:mode acl:Read.
<#owner> a acl:Authorization; acl:agent <{webid}>; acl:accessTo <./>; acl:default <./>;
    acl:mode acl:Read, acl:Write, acl:Control.
"""
CARD_ACL = """\
@prefix acl: <http://www.w3.org/ns/auth/acl#>.
@prefix foaf: <http://xmlns.com/foaf/0.1/>.
<#public> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <./card>; acl:mode acl:Read.
<#owner> a acl:Authorization; acl:agent <{webid}>; acl:accessTo <./card>;
    acl:mode acl:Read, acl:Write, acl:Control.
"""
CARD = """\
@prefix foaf: <http://xmlns.com/foaf/0.1/>.
@prefix solid: <http://www.w3.org/ns/solid/terms#>.
<> a foaf:PersonalProfileDocument; foaf:maker <{webid}>; foaf:primaryTopic <{webid}>.
<{webid}> solid:oidcIssuer <{issuer}>; a foaf:Person.
"""


class Clock:
    """A time that goes on by itself, a millisecond at every look, and by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@dataclass
class File:
    """A document: what it holds, its type, when it was written (milliseconds since 1970)."""

    body: bytes
    media_type: str
    modified: int


@dataclass
class Faults:
    """What goes wrong, once each, in the order in which it was asked for."""

    refusals: list[int] = field(default_factory=list)
    retry_after: str = ""
    cuts: list[int] = field(default_factory=list)
    losses: int = 0


class FakePod(httpx2.BaseTransport):
    """A server with pods; `Session(access, transport=pod)` speaks to it.

    `files` and `containers` are its disk, by path; `changed` are called with the path and
    "Create", "Update" or "Delete" after a document was; `requests` are (method, path) of all
    that came in but identity; `room` is how many bytes fit.
    """

    def __init__(self, url: str = "http://localhost:3000/", clock: Clock | None = None) -> None:
        self.url = url
        self.clock = clock or Clock()
        self.accounts = Accounts(url, self.clock, self._new_pod)
        self.files: dict[str, File] = {}
        self.containers: dict[str, int] = {"/": self._now()}
        self.storages: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.changed: list[Callable[[str, str], None]] = []
        self.faults = Faults()
        self.room: int | None = None
        self._lock = threading.RLock()

    # What tests do to it.

    def refuse(self, *statuses: int, retry_after: str = "") -> None:
        """Answer the next requests to resources so, whoever asks."""
        self.faults.refusals += statuses
        self.faults.retry_after = retry_after

    def cut(self, *lengths: int) -> None:
        """Keep so many bytes of the next bodies that come in, and lose the connection."""
        self.faults.cuts += lengths

    def lose_answers(self, number: int = 1) -> None:
        """Do what is asked, and lose the connection before the answer."""
        self.faults.losses += number

    def path(self, url: str) -> str:
        """Return the path by which `files` knows a resource."""
        return httpx2.URL(url).path

    def write(self, path: str, body: bytes, media_type: str = "text/turtle") -> None:
        """Write a document past all rights, as the host or another app does."""
        with self._lock:
            self._keep(path, body, media_type)

    # The protocol.

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        body = request.read()
        if str(request.url.copy_with(raw_path=b"/", fragment=None)) != self.url:
            return self._outside(request)
        with self._lock:
            answer = self.accounts.answer(request, body)
            if answer is None:
                self.requests.append((request.method, request.url.path))
                try:
                    answer = self._answer(request, body)
                except Refused as error:
                    answer = self._refusal(error)
                if self.faults.losses:
                    self.faults.losses -= 1
                    raise httpx2.ReadError("the connection was lost", request=request)
        answer.headers["Date"] = _http_date(self.clock.now)
        if request.method == "HEAD":
            return httpx2.Response(answer.status_code, headers=answer.headers)
        return answer

    def _outside(self, request: httpx2.Request) -> httpx2.Response:
        return self._refusal(
            Refused(500, f"The identifier {request.url} is outside the configured identifier space")
        )

    @staticmethod
    def _refusal(error: Refused) -> httpx2.Response:
        headers = {"Retry-After": error.retry_after} if error.retry_after else {}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Bearer scope="openid webid"'
        body = {"name": "HttpError", "message": str(error), "statusCode": error.status}
        return httpx2.Response(error.status, json=body, headers=headers)

    def _answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        if self.faults.refusals:
            status = self.faults.refusals.pop(0)
            raise Refused(status, retry_after=self.faults.retry_after)
        raw = request.url.raw_path.decode().partition("?")[0]
        webid = self.accounts.who(request)
        modes, public = self._modes(raw, webid), self._modes(raw, "")
        self._check(request, raw, modes, webid)
        match request.method:
            case "GET" | "HEAD":
                return self._get(request, raw, modes, public)
            case "PUT":
                return self._put(request, raw, body)
            case "POST":
                return self._post(request, raw, body)
            case "PATCH":
                return self._patch(request, raw, body)
            case "DELETE":
                return self._delete(request, raw)
        return httpx2.Response(204)

    def _check(self, request: httpx2.Request, path: str, modes: set[str], webid: str) -> None:
        """Refuse what the rights of whoever asks do not cover: 401 to nobody, 403 to somebody."""
        there = path in self.files or path in self.containers
        needed = {"GET": "read", "HEAD": "read", "POST": "append", "DELETE": "write"}.get(
            request.method, "write" if there else "append"
        )
        if request.method == "OPTIONS" or needed in modes:
            return
        raise Refused(403 if webid else 401)

    def _modes(self, path: str, webid: str) -> set[str]:
        """Return what somebody may do, from the nearest access document (WAC §5)."""
        asked = path.removesuffix(".acl") if path.endswith(".acl") else path
        at, inherited = asked, False
        while f"{at}.acl" not in self.files:
            if at == "/":
                return set()
            at, inherited = parent(at), True
        document = self.files[f"{at}.acl"]
        modes = authorised(
            document.body,
            self.url[:-1] + f"{at}.acl",
            self.url[:-1] + at,
            webid,
            inherited=inherited,
        )
        if path.endswith(".acl"):
            return set(MODES) if "control" in modes else set()
        return modes

    # Reading.

    def _get(
        self, request: httpx2.Request, path: str, modes: set[str], public: set[str]
    ) -> httpx2.Response:
        if path in self.containers:
            modified, media_type, body = self.containers[path], "text/turtle", self._listing(path)
        elif path in self.files:
            one = self.files[path]
            modified, media_type, body = one.modified, one.media_type, one.body
        else:
            raise Refused(404)
        wanted = request.headers.get("Accept", "*/*")
        if "*/*" not in wanted and media_type not in wanted:
            media_type, body = (
                "application/ld+json",
                linked_data(body, media_type, wanted, self._url(path)),
            )
        etag = f'"{modified}-{media_type}"'
        headers = self._headers(path, modes, public) | {
            "ETag": etag,
            "Content-Type": media_type,
            "Last-Modified": _http_date(modified / 1000),
        }
        if not self._holds(request, modified, media_type):
            return httpx2.Response(304, headers=headers)
        if path in self.containers:
            return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(body))
        return _ranged(request, body, headers)

    def _headers(self, path: str, modes: set[str], public: set[str]) -> dict[str, str]:
        types = ["Container", "BasicContainer", "Resource"] if path.endswith("/") else ["Resource"]
        links = [f'<{LDP}{name}>; rel="type"' for name in types]
        if path in self.storages:
            links.insert(0, '<http://www.w3.org/ns/pim/space#Storage>; rel="type"')
        links += [
            f'<{self._url(path)}.meta>; rel="describedby"',
            f'<{self._url(path)}.acl>; rel="acl"',
        ]
        if storage := next((one for one in self.storages if path.startswith(one)), ""):
            links.append(
                f"<{self._url(storage)}.well-known/solid>; "
                'rel="http://www.w3.org/ns/solid/terms#storageDescription"'
            )
        allowed = [f'user="{" ".join(sorted(modes))}"'] + [
            f'public="{" ".join(sorted(public))}"'
        ] * bool(public)
        return {"Link": ", ".join(links), "WAC-Allow": ",".join(allowed), "Accept-Ranges": "bytes"}

    def _holds(self, request: httpx2.Request, modified: int, media_type: str) -> bool:
        """Whether the conditions of a GET hold; a type with a hyphen never matches a tag."""
        tags = _tags(request, "If-None-Match")
        return not ("*" in tags or any(_same(tag, modified, media_type) for tag in tags))

    def _listing(self, path: str) -> bytes:
        """Return a container as the server describes it; `.acl` and `.meta` are not members."""
        lines = [
            PREFIXES,
            f"<> a ldp:Container, ldp:BasicContainer, ldp:Resource;\n    {_modified(self.containers[path])}.",
        ]
        members, sizes = [], []
        for name in self._members(path):
            iri = f"<{name.removeprefix(path)}>"
            members.append(iri)
            if name in self.containers:
                modified = self.containers[name]
                lines.append(
                    f"{iri} a ldp:Container, ldp:BasicContainer, ldp:Resource;\n    {_modified(modified)}."
                )
                sizes.append(f"{iri} posix:mtime {modified // 1000}.")
                continue
            one = self.files[name]
            kind = f"<http://www.w3.org/ns/iana/media-types/{one.media_type}#Resource>"
            lines.append(f"{iri} a ldp:Resource, {kind};\n    {_modified(one.modified)}.")
            sizes.append(
                f"{iri} posix:mtime {one.modified // 1000};\n    posix:size {len(one.body)}."
            )
        contains = f";\n    ldp:contains {', '.join(members)}" if members else ""
        lines.append(f"<> posix:mtime {self.containers[path] // 1000}{contains}.")
        return "\n".join([*lines, *sizes, ""]).encode()

    def _members(self, path: str) -> list[str]:
        names = [*self.files, *self.containers]
        return [
            name
            for name in names
            if name != path and parent(name) == path and not name.endswith((".acl", ".meta"))
        ]

    # Writing.

    def _put(self, request: httpx2.Request, path: str, body: bytes) -> httpx2.Response:
        media_type = request.headers.get("Content-Type", "")
        if body and not media_type:
            raise Refused(400, "HTTP request body was passed without a Content-Type header")
        self._precondition(request, path)
        if path.endswith("/"):
            if path in self.containers:
                raise Refused(409, "Existing containers cannot be updated via PUT.")
            self._make_container(path)
            return self._created(path)
        if path.endswith(".acl"):
            authorised(
                body, self._url(path), "", "", inherited=False
            )  # 400 where it does not parse
        there = path in self.files
        self._store(request, path, body, media_type)
        return httpx2.Response(205) if there else self._created(path)

    def _store(self, request: httpx2.Request, path: str, body: bytes, media_type: str) -> None:
        """Write a body, or as much of it as arrives: what was there before is gone either way."""
        if self.faults.cuts:
            self._keep(path, body[: self.faults.cuts.pop(0)], media_type)
            raise httpx2.WriteError("the connection was lost", request=request)
        held = sum(len(one.body) for name, one in self.files.items() if name != path)
        if self.room is not None and held + len(body) > self.room:
            raise Refused(507, "Quota exceeded")
        self._keep(path, body, media_type)

    def _post(self, request: httpx2.Request, path: str, body: bytes) -> httpx2.Response:
        if path in self.files:
            raise Refused(405, "The given path is not a container.")
        if path not in self.containers:
            raise Refused(404)
        container = f"{LDP}Container" in request.headers.get("Link", "")
        name = quote(request.headers.get("Slug") or str(uuid.uuid4()))
        if path + name in self.files or f"{path}{name}/" in self.containers:
            name = str(uuid.uuid4())
        if container:
            self._make_container(f"{path}{name}/")
            return self._created(f"{path}{name}/")
        self._store(request, path + name, body, request.headers.get("Content-Type", ""))
        return self._created(path + name)

    def _patch(self, request: httpx2.Request, path: str, body: bytes) -> httpx2.Response:
        self._precondition(request, path)
        one = self.files.get(path)
        before, media_type = (one.body, one.media_type) if one else (b"", "text/turtle")
        if media_type != "text/turtle":
            raise Refused(501, f"No conversion path could be made from {media_type}")
        match request.headers.get("Content-Type", ""):
            case "text/n3":
                after = patched(before, body, self._url(path))
            case "application/sparql-update":
                after = sparql_updated(before, body, self._url(path))
            case _:
                raise Refused(415)
        self._keep(path, after, media_type)
        return httpx2.Response(205) if one else self._created(path)

    def _delete(self, request: httpx2.Request, path: str) -> httpx2.Response:
        if path in self.storages or path.removesuffix(".acl") in self.storages:
            raise Refused(405, f"Cannot delete {path} from a root storage container.")
        if path in self.containers:
            if self._members(path):
                raise Refused(409, "Can only delete empty containers.")
            del self.containers[path]
            self.files.pop(f"{path}.acl", None)
        elif path in self.files:
            self._precondition(request, path)
            del self.files[path]
            self.files.pop(f"{path}.acl", None)
        else:
            raise Refused(404)
        self.containers[parent(path)] = self._now()
        self._tell(path, "Delete")
        return httpx2.Response(205)

    def _precondition(self, request: httpx2.Request, path: str) -> None:
        """Check the conditions of a write; one on what is not there holds, but for `*`."""
        wanted, unwanted = _tags(request, "If-Match"), _tags(request, "If-None-Match")
        modified = self.files[path].modified if path in self.files else self.containers.get(path)
        if modified is None:
            failed = "*" in wanted
        else:
            failed = "*" in unwanted or any(_same(tag, modified) for tag in unwanted)
            failed |= (
                bool(wanted)
                and "*" not in wanted
                and not any(_same(tag, modified) for tag in wanted)
            )
        if failed:
            raise Refused(412)

    def _keep(self, path: str, body: bytes, media_type: str) -> None:
        new = path not in self.files
        if new:
            if f"{path}/" in self.containers:
                raise Refused(409, f"{path} conflicts with existing path {path}/")
            self._make_container(parent(path))
        now = self._now()
        if new or self.files[path].media_type != media_type:
            self.containers[parent(path)] = now
        self.files[path] = File(body, media_type, now)
        self._tell(path, "Create" if new else "Update")

    def _make_container(self, path: str) -> None:
        if path in self.containers:
            return
        if path[:-1] in self.files:
            raise Refused(403, f"Creating container {path} conflicts with an existing resource.")
        self._make_container(parent(path))
        self.containers[path] = self.containers[parent(path)] = self._now()

    def _created(self, path: str) -> httpx2.Response:
        return httpx2.Response(201, headers={"Location": self._url(path)})

    def _tell(self, path: str, what: str) -> None:
        for tell in self.changed:
            tell(path, what)

    def _url(self, path: str) -> str:
        return self.url[:-1] + path

    def _now(self) -> int:
        """Return milliseconds since 1970, later than ever before: no two writes share a tag."""
        return int(self.clock() * 1000)

    def _new_pod(self, name: str) -> tuple[str, str]:
        """Make a pod; return its address and its owner's WebID."""
        path = f"/{name}/"
        if path in self.containers:
            raise Refused(400, f"There already is a resource at {self._url(path)}")
        webid = f"{self._url(path)}profile/card#me"
        self.storages[path] = webid
        self._make_container(path)
        names = {"webid": webid, "issuer": self.url}
        self._keep(f"{path}.acl", ROOT_ACL.format(**names).encode(), "text/turtle")
        self._keep(f"{path}profile/card", CARD.format(**names).encode(), "text/turtle")
        self._keep(f"{path}profile/card.acl", CARD_ACL.format(**names).encode(), "text/turtle")
        return self._url(path), webid


def parent(path: str) -> str:
    """Return the container of a resource."""
    return path.rstrip("/").rpartition("/")[0] + "/"


def _tags(request: httpx2.Request, header: str) -> list[str]:
    return [tag.strip() for tag in request.headers.get(header, "").split(",") if tag.strip()]


def _same(tag: str, modified: int, media_type: str | None = None) -> bool:
    """Compare as the server does: what it cuts off a tag's end is a type up to its first hyphen."""
    parts = tag[1:-1].split("-")
    return parts[0] == str(modified) and (media_type is None or parts[1:2] == [media_type])


def _ranged(request: httpx2.Request, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    first, _, last = request.headers.get("Range", "").removeprefix("bytes=").partition("-")
    if not first:
        return httpx2.Response(200, headers=headers, content=body)
    end = int(last or len(body) - 1)
    if end >= len(body):
        raise Refused(416, "Range end should be less than the total size.")
    headers["Content-Range"] = f"bytes {first}-{end}/{len(body)}"
    return httpx2.Response(206, headers=headers, content=body[int(first) : end + 1])


def _modified(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f'dc:modified "{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"^^xsd:dateTime'


def _http_date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%a, %d %b %Y %H:%M:%S GMT}"
