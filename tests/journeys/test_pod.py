"""A stranger and her pod: a server at home, a link, a mirror, a second device, and what goes wrong."""

import hashlib
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console.cli import main
from tests.helpers import CHAT, Command, Done

pytestmark = pytest.mark.pod

INSTALLED = Path(__file__).parents[2] / ".solid" / "node_modules" / ".bin"
SERVE = "from console.cli import main; main()"
PASSWORD = "a kettle of six herons"
STABLE = ("log.db", "keys.db", "vault.json", "pin")


class Typed(Command):
    """The command in this process: what it takes to start one is not looked at here."""

    def __call__(self, *arguments: str, env: dict[str, str] | None = None, **_: object) -> Done:
        if "init" in arguments:
            return super().__call__(*arguments)
        out, err = StringIO(), StringIO()
        with (
            mock.patch.dict(os.environ, self.environment() | (env or {})),
            chdir(self.cwd),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as left,
        ):
            main(arguments)
        return Done(left.value.code, out.getvalue(), err.getvalue())


@contextmanager
def serving(vault: Command, folder: Path) -> Iterator[str]:
    """`twin pod serve`, as it is typed, until the end."""
    environment = vault.environment()
    environment["PATH"] = f"{INSTALLED}{os.pathsep}{environment['PATH']}"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, "pod", "serve", folder, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment, cwd=vault.cwd,
    ) as server:  # fmt: skip
        assert server.stdout
        line = server.stdout.readline()
        if not line:
            pytest.skip("no Solid server is installed: deploy/solid")
        try:
            yield re.findall(r'"url":"([^"]+)"', line)[0]
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A vault with a chat, linked to a pod of a server at home, and mirrored there."""
    vault = Typed.in_folder(tmp_path_factory.mktemp("stranger"))
    (vault.cwd / "password").write_text(PASSWORD + "\n")
    vault.ok("init")
    chat = vault.cwd / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    vault.ok("add", str(chat), "--me", "Ada Quill")
    vault.ok("consent", "allow", "message", "search")
    with ExitStack() as server:
        url = server.enter_context(serving(vault, vault.cwd / "pods"))
        yield SimpleNamespace(vault=vault, server=url, stop=server.close, **linked(vault, url))


def linked(vault: Command, url: str, name: str = "ada") -> dict[str, object]:
    done = vault.ok(
        "pod", "link", url, "--email", f"{name}@quill.example", "--pod", name,
        env={"TWIN_POD_PASSWORD_FILE": str(vault.cwd / "password")},
    )  # fmt: skip
    return {"pod": done["url"], "page": Path(done["recovery_key_file"])}


def digest(vault: Command) -> dict[str, str]:
    return {n: hashlib.sha256((vault.home / n).read_bytes()).hexdigest() for n in STABLE}


def test_what_is_allowed_comes_back_from_the_page_alone_and_the_rest_is_counted(home):
    vault = home.vault
    assert vault.ok("pod", "status")["last"] is None
    first = vault.ok("pod", "sync")
    assert first["withheld"] >= 8, "no word goes there before it is allowed"
    vault.ok("consent", "allow", "message", "mirror")
    done = vault.ok("pod", "sync")
    assert 0 < done["withheld"] < first["withheld"], "what others wrote must be named"
    status = vault.ok("pod", "status")
    assert (status["waiting"], status["owed"]) == (0, 0)
    assert status["last"]["checkpoint"] == vault.ok("status")["checkpoint"]

    new = Typed(vault.cwd / "laptop", vault.cwd / "none", vault.cwd)
    came = new.ok("pod", "restore", home.pod, "--recovery-key", str(home.page), "--name", "laptop")
    assert came["restored"]["checkpoint"] == status["last"]["checkpoint"]
    assert came["restored"]["withheld"] == done["withheld"]
    new.passphrase_file = vault.passphrase_file
    assert new.ok("verify")["problems"] == []
    assert len(new.ok("search", "leeks")["hits"]) == 1

    new.ok("withdraw", "message", "search")
    new.ok("pod", "sync")
    vault.ok("pod", "sync")
    assert vault.ok("search", "leeks")["hits"] == []
    assert vault.ok("pod", "scrub")["problems"] == []
    vault.ok("consent", "allow", "message", "search")
    hit = vault.ok("search", "leeks")["hits"][0]["id"]
    vault.ok("forget", "--item", hit, "--yes")
    vault.ok("pod", "sync")
    new.ok("pod", "sync")
    assert new.refused(3, "show", hit)["code"] == "erased"
    assert {one["name"] for one in vault.ok("device", "list")["devices"]} >= {"laptop"}


def test_files_of_the_pod_are_listed_fetched_and_put_but_never_over_another(home):
    vault = home.vault
    recipe = vault.cwd / "recipe.md"
    recipe.write_text("six leeks")
    vault.ok("pod", "put", str(recipe), "notes/")
    assert vault.refused(1, "pod", "put", str(recipe), "notes/")["code"] == "exists"
    vault.ok("pod", "put", str(recipe), "notes/recipe.md", "--replace")
    assert [one["name"] for one in vault.ok("pod", "ls", "notes")["entries"]] == ["recipe.md"]
    vault.refused(1, "pod", "get", "notes/recipe.md")
    vault.ok("pod", "get", "notes/recipe.md", "--out", str(vault.cwd / "copy.md"))
    assert (vault.cwd / "copy.md").read_text() == "six leeks"
    vault.refused(2, "pod", "put", str(recipe), "twinvault/consent/message.ttl", "--replace")
    vault.refused(3, "pod", "get", "notes/none.md")


@contextmanager
def web(certificate: Path | None = None) -> Iterator[str]:
    """A web server that knows nothing of pods, with a certificate of its own making or none."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>six leeks")

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http{'s' if certificate else ''}://localhost:{server.server_port}/"
        server.shutdown()


def certificate(folder: Path) -> Path:
    """A certificate that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return file


@pytest.fixture
def refused(home):
    """A command that must fail in one sentence, and leave the vault as it is, byte for byte."""

    def run(*arguments: str, says: str, secret: Path = home.vault.cwd / "password") -> int:
        before = digest(home.vault)
        names = dict.fromkeys(("TWIN_POD_PASSWORD_FILE", "TWIN_POD_SECRET_FILE"), str(secret))
        done = home.vault("pod", *arguments, env=names)
        assert re.fullmatch(rf"twin: [^\n]*{says}[^\n]*\n", done.err), done
        assert done.out == ""
        assert digest(home.vault) == before
        return done.status

    return run


ADA = ("--email", "ada@quill.example", "--pod", "ada")


def test_what_is_no_pod_of_hers_is_refused_in_one_sentence(home, refused, tmp_path):
    wrong = home.vault.passphrase_file
    assert refused("link", "ftp://localhost/", *ADA, says="no address of a pod") == 2
    assert refused("link", "http://localhost:1/", *ADA, says="Nothing answers at") == 7
    with web() as url:
        assert refused("link", url, *ADA, says="makes no accounts") == 7
    with web(certificate(tmp_path)) as url:
        assert refused("link", url, *ADA, says="certificate of .* does not prove who it is") == 7
    assert refused("link", home.server, *ADA, says="another password", secret=wrong) == 7
    by = ("--webid", f"{home.pod}profile/card#me", "--client-id", "none")
    assert refused("link", home.pod, *by, says="no access for these credentials") == 7
    page = str(home.vault.cwd / "home-recovery-key.html")
    assert refused("restore", home.pod, "--recovery-key", page, says="leads to no pod") == 2


def test_what_lies_in_the_pod_cannot_harm_the_vault(home, refused):
    files = home.vault.cwd / "pods" / "data" / "ada"
    with (files / "film.mp4").open("wb") as film:
        film.truncate(1 << 30)
    assert refused("get", "film.mp4", says="more than .* bytes") == 7
    home.vault.ok("consent", "allow", "message", "search")
    home.vault.ok("pod", "sync")
    said = home.vault.ok("consent", "show")
    document = files / "twinvault" / "consent" / "message.ttl"
    for hostile in (b"<<<< six leeks @@", bytes(2 << 20)):
        document.write_bytes(hostile)
        home.vault.ok("pod", "sync")
        assert document.read_bytes() != hostile
    assert home.vault.ok("consent", "show") == said
    found = home.vault("consent", "inbox")
    assert found.err.count("not understood: twinvault/consent/message.ttl") == 2
    for name, harmless in (("film.mp4", True), ("0123456789abcdef-0.json", False)):
        film = files / "twinvault" / "index" / name
        with film.open("wb") as stream:
            stream.truncate(1 << 30)
        if harmless:
            home.vault.ok("pod", "sync")
            continue
        for command in ("sync", "scrub"):
            assert refused(command, says=r"remove from index/ what does not belong") == 7
        film.unlink()


def test_a_server_that_is_gone_is_waited_for_and_nothing_is_lost(home):
    vault = home.vault
    vault.ok("consent", "allow", "document.note", "search")
    waiting = vault.ok("pod", "status")["waiting"]
    home.stop()
    monday = digest(vault)
    assert vault.refused(7, "pod", "sync")["code"] == "pod_unreachable"
    assert digest(vault) == monday
    assert vault.ok("pod", "status")["waiting"] == waiting
    with serving(vault, vault.cwd / "pods") as again:
        assert again == home.server
        vault.ok("pod", "sync")
        assert vault.ok("pod", "status")["waiting"] == 0
