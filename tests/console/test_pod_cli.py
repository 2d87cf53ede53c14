"""`twin pod` to the letter: what it asks, says and refuses; the pod's part is played."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from console import problems
from console.cli import main
from console.solid_server import SolidServer
from console.use import podding
from pod_sync import errors
from pod_sync.session import Patience
from tests.helpers import PASSPHRASE
from tests.pod_sync.fake import FakePod
from tests.terminal import typed
from vault.errors import Exists, NotFound, UsageError, VaultError

# A server that listens, or fails, as the real one does, in a fraction of the time.
PLAYED = """\
#!/usr/bin/env node
const http = require('node:http');
const asked = process.argv[process.argv.indexOf('-p') + 1];
const leaked = Object.keys(process.env).filter((name) => /^(CSS_|TWIN_(?!POD_LAN))/.test(name));
if (leaked.length) { throw new RangeError(leaked.join()); }
if (process.env.FAIL === 'start') { throw new TypeError('six leeks'); }
http.createServer((request, response) => {
  if (request.url === '/crash') { setTimeout(() => { throw new TypeError('six leeks'); }, 10); }
  if (request.url === '/slow') { setTimeout(() => response.end('done'), 500); return; }
  response.end(String(process.umask()));
}).listen(asked);
"""


@pytest.fixture
def played(tmp_path, monkeypatch):
    """A folder with a server to be found on PATH, and a home without one."""
    program = tmp_path / "bin" / "community-solid-server"
    program.parent.mkdir()
    program.write_text(PLAYED)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    return tmp_path / "pods"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(port: int, path: str = "/", host: str = "127.0.0.1") -> str:
    with socket.create_connection((host, port), timeout=30) as wire:
        wire.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return wire.makefile().read().rpartition("\n")[2]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["pod", *arguments])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_help_of_the_pod_needs_nothing_of_the_pod():
    code = (
        "import sys\n"
        "from console.cli import main\n"
        "for line in (['--help'], ['pod', '--help'], ['pod', 'sync', '--help']):\n"
        " try:\n  main(line)\n"
        " except SystemExit: pass\n"
        "heavy = {'httpx2', 'rdflib', 'websockets', 'solid', 'msgspec'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["httpx2", "rdflib", "websockets"])
def test_without_the_extra_a_sentence_says_how_to_install_it(missing):
    problem = problems.problem_of(ModuleNotFoundError(name=missing))
    assert "pip install twinvault[pod]" in problem.message
    assert (problem.status, problem.code) == (1, "failure")


@pytest.mark.parametrize("kind", errors.__all__)
def test_whatever_a_pod_causes_exits_7_in_its_own_words(kind):
    error = getattr(errors, kind)("It is away; try again later.")
    problem = problems.problem_of(error)
    assert (problem.status, problem.message) == (7, "It is away; try again later.")
    assert problem.code.startswith("pod")


@pytest.mark.parametrize(
    "arguments",
    [
        ["link"],
        ["link", "http://localhost:1/", "--webid", "http://localhost:1/ada#me"],
        ["link", "http://localhost:1/", "--client-id", "one"],
        ["restore", "http://localhost:1/"],
        ["restore", "http://localhost:1/", "--recovery-key", "no-such-page.html"],
        ["scrub", "--read-data-subset", "a lot"],
        ["serve", "--port", "0"],
        ["serve", "--port", "70000"],
        ["get"],
        ["put"],
    ],
)
def test_what_cannot_be_meant_is_usage_and_leaves_no_folder(twin, arguments, capsys, monkeypatch):
    monkeypatch.setenv("TWIN_HOME", str(twin.home))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("twin: ")
    assert err.count("\n") == 1
    assert not twin.home.exists()


def test_a_page_that_is_a_film_is_not_read_whole(tmp_path, capsys):
    with (tmp_path / "film").open("wb") as film:
        film.truncate(1 << 34)
    page = str(tmp_path / "film")
    status, _, err = run(capsys, "restore", "http://localhost:1/", "--recovery-key", page)
    assert status == 2
    assert "too large" in err


@pytest.fixture
def opened(vault, monkeypatch):
    """A vault for commands in this process, with nobody at a terminal."""
    monkeypatch.setenv("TWIN_HOME", str(vault.home))
    monkeypatch.setenv("TWIN_PASSPHRASE_FILE", str(vault.passphrase_file))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return vault


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("name", ["sync", "status", "scrub", "ls"])
def test_without_a_linked_pod_it_is_said_how_to_link_one(name, capsys):
    status, _, err = run(capsys, name)
    assert status == 3
    assert "twin pod link" in err


def test_linking_asks_what_it_needs_and_never_echoes_the_password(vault):
    done = typed(
        vault, "pod", "link", "http://localhost:1/", "--email", "a@b.example", "--pod", "ada",
        answers=[("Passphrase", PASSPHRASE), ("Password of your account there", "six leeks")],
    )  # fmt: skip
    assert done.status == 7, done
    assert "leeks" not in done.out + done.err
    assert "Nothing answers at http://localhost:1" in done.err


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--email"),
        (["--email", "a@b.example"], "TWIN_POD_PASSWORD_FILE"),
        (["--webid", "https://b.example/#me", "--client-id", "one"], "TWIN_POD_SECRET_FILE"),
    ],
)
def test_scripts_are_told_what_to_name(arguments, says, capsys):
    status, _, err = run(capsys, "link", "http://localhost:1/", *arguments)
    assert status in {2, 4}
    assert says in err


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("name", ["empty", "none"])
def test_a_secret_that_its_file_lacks_is_locked_and_named(name, tmp_path, capsys, monkeypatch):
    (tmp_path / "empty").touch()
    monkeypatch.setenv("TWIN_POD_PASSWORD_FILE", str(tmp_path / name))
    link = ("link", "http://localhost:1/", "--email", "a@b.example", "--pod", "ada")
    status, _, err = run(capsys, *link)
    assert status == 4
    assert "Password of your account there" in err


def test_no_server_is_a_sentence_with_the_command_that_installs_it(twin, tmp_path):
    path = [one for one in os.environ["PATH"].split(os.pathsep) if "solid" not in one]
    error = twin.refused(
        3, "pod", "serve", str(tmp_path / "pods"),
        env={"XDG_DATA_HOME": str(tmp_path / "data"), "PATH": os.pathsep.join(path)},
    )  # fmt: skip
    assert (
        f"npm install --prefix {tmp_path}/data/twinvault-solid @solid/community" in error["message"]
    )
    assert not (tmp_path / "pods").exists()
    error = twin.refused(3, "pod", "serve", env={"PATH": ""})
    assert "Node" in error["message"]


def test_a_server_that_is_too_old_is_named_with_what_renews_it(played, tmp_path):
    (tmp_path / "package.json").write_text(
        '{"name": "@solid/community-server", "version": "6.9.1"}'
    )
    with pytest.raises(NotFound, match=r"6\.9\.1, too old; this renews it: npm install"):
        SolidServer(played)


def test_only_this_machine_reaches_a_server_and_only_its_owner_its_files(played):
    with SolidServer(played) as server:
        assert asked(server.port) == str(0o077)
        with pytest.raises(ConnectionRefusedError):
            asked(server.port, host="127.0.0.2")
        modes = {path.stat().st_mode & 0o777 for path in (played, played / "data")}
    assert modes == {0o700}
    with pytest.raises(ConnectionRefusedError):
        asked(server.port)


def test_the_local_network_is_let_in_by_name_alone(played):
    with SolidServer(played, lan="box.local") as server:
        assert server.url == f"http://box.local:{server.port}/"
        assert asked(server.port, host="127.0.0.2") == str(0o077)
    with pytest.raises(UsageError, match="cannot move"):
        SolidServer(played)
    for name in ("a b", "http://box", "-x", "box/..", "a@b"):
        with pytest.raises(UsageError, match="--lan takes"):
            SolidServer(played.parent / "other", lan=name)


def test_a_pod_keeps_its_address_and_a_port_in_use_is_told(played):
    with SolidServer(played) as server:
        with pytest.raises(Exists, match="already"):
            SolidServer(played)
        with pytest.raises(UsageError, match=f"Port {server.port} is in use"):
            SolidServer(played.parent / "other", port=server.port)
    with SolidServer(played) as again:
        assert again.url == server.url
    with pytest.raises(UsageError, match="cannot move"):
        SolidServer(played, port=free_port())


def test_a_server_that_fails_tells_the_kind_of_error_and_no_content(played, monkeypatch):
    monkeypatch.setenv("CSS_PORT", "1")
    monkeypatch.setenv("TWIN_PASSPHRASE_FILE", "/none")
    with SolidServer(played) as server:
        asked(server.port, "/crash")
        with pytest.raises(VaultError, match=r"ended by itself \(TypeError\)"):
            server.wait()
    monkeypatch.setenv("FAIL", "start")
    with pytest.raises(VaultError, match=r"did not start \(TypeError\)") as failed:
        SolidServer(played)
    assert "leeks" not in str(failed.value)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_with_its_parent_however_that_ends(played, how):
    with subprocess.Popen(
        [sys.executable, "-c", "from console.cli import main; main()", "pod", "serve", played, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:  # fmt: skip
        assert parent.stdout
        line = parent.stdout.readline()
        port = int(line.rpartition(":")[2].partition("/")[0])
        assert line == f'{{"folder":"{played}","url":"http://localhost:{port}/"}}\n'
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as wire,
            socket.create_connection(("127.0.0.1", port), timeout=30) as idle,
        ):
            wire.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
            asked(port)
            parent.send_signal(how)
            assert wire.makefile().read().endswith("done"), "what it was asked it answers"
            assert idle.recv(1) == b"", "it is gone"
        out, err = parent.communicate()
    assert parent.returncode == (130 if how == signal.SIGINT else -how)
    assert "Traceback" not in err + out


@pytest.fixture
def linked(opened, capsys, monkeypatch):
    """A vault whose pod is in this process, for every session that is begun."""
    fake = FakePod()
    (opened.cwd / "password").write_text("a kettle of six herons")
    monkeypatch.setenv("TWIN_POD_PASSWORD_FILE", str(opened.cwd / "password"))
    monkeypatch.setattr(httpx2, "HTTPTransport", lambda **_: fake)
    monkeypatch.setattr(Patience, "wait", lambda *_: None)
    status, out, err = run(capsys, "link", fake.url, "--email", "a@b.example", "--pod", "ada")
    assert status == 0, err
    assert "New recovery page: " in out
    return fake


def test_a_sync_says_what_went_and_what_stays(linked, capsys):
    status, out, _ = run(capsys, "sync")
    assert status == 0
    assert re.search(
        r"^0 entries came, \d+ went; \d+ entries, checkpoint [0-9a-f]{64}$", out, re.MULTILINE
    )
    assert re.search(r"^\d+ requests, .* kB sent, .* kB received\.$", out, re.MULTILINE)
    assert "0 entries are not there yet." in run(capsys, "status")[1]
    assert linked.files


def test_the_vaults_status_says_what_waits_for_the_pod(linked, capsys):
    def pod() -> list[str]:
        with pytest.raises(SystemExit):
            main(["status"])
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("pod ")]

    (line,) = pod()
    assert re.fullmatch(rf"pod {linked.url}\S*: [1-9]\d* entries wait", line)
    run(capsys, "sync")
    (line,) = pod()
    assert line.endswith(": 0 entries wait")


def test_a_pod_that_is_full_says_so_and_goes_on_when_it_has_room(linked, capsys):
    linked.room = 0
    status, _, err = run(capsys, "sync")
    assert (status, err.count("\n")) == (7, 1)
    assert "has no room for" in err
    linked.room = None
    assert run(capsys, "sync")[0] == 0


@pytest.mark.parametrize("refusal", [401, 403, 500, 503])
def test_a_pod_that_refuses_in_the_end_is_told_in_one_sentence(linked, capsys, refusal):
    linked.refuse(*[refusal] * 99)
    status, _, err = run(capsys, "sync")
    assert (status, err.count("\n")) == (7, 1)


def test_a_clock_that_is_off_keeps_nobody_from_her_pod(linked, capsys):
    linked.clock.now += 7200
    assert run(capsys, "sync")[0] == 0


@pytest.mark.usefixtures("opened")
def test_what_the_pod_calls_itself_cannot_command_a_terminal(capsys, monkeypatch):
    wild = podding.PodStatus(
        url="http://b.example/\x1b[2J", webid="http://b.example/#me", waiting=3, owed=1, last=None
    )
    monkeypatch.setattr(podding, "status", lambda _: wild)
    status, out, _ = run(capsys, "status")
    assert status == 0
    assert "\x1b" not in out
    assert "3 entries are not there yet." in out
    assert "1 erasures are not carried out there yet" in out


@pytest.mark.usefixtures("opened")
def test_a_pod_that_is_not_whole_exits_6_and_names_what_is_wrong(capsys, monkeypatch):
    found = podding.Scrubbed(
        url="http://b.example/", files=2, read=2, entries=9,
        problems=("a.seg is cut short",), requests=3, received=1_200_000,
    )  # fmt: skip
    monkeypatch.setattr(podding, "scrub", lambda *_: found)
    status, out, err = run(capsys, "scrub")
    assert status == 6
    assert err == "a.seg is cut short\n"
    assert "3 requests, 0 B sent, 1.2 MB received." in out
