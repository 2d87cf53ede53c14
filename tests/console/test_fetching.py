"""A hub of our own, on this machine, that speaks as much as the ordinary client asks for."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import huggingface_hub.constants as hub
import pytest

from console.use.fetching import folder_of
from tests.trainer.families import make
from trainer import base
from trainer.errors import BaseRefused
from vault.errors import NotFound, StorageError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "someone/small-llama"


class Hub(ThreadingHTTPServer):
    """Offers one model; `asked` lists what was asked for."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = files
        self.asked = []


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.asked.append(self.path)
        if NAME not in self.path:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif self.path.startswith("/api/models/"):
            self._about()
        else:
            body = self.server.files[self.path.rpartition("/")[2]]
            tag = hashlib.sha256(body).hexdigest()
            self._send(200, body, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT})

    def _about(self):
        siblings = [
            {
                "rfilename": name,
                "size": len(body),
                "blobId": "0" * 40,
                "lfs": {
                    "sha256": hashlib.sha256(body).hexdigest(),
                    "size": len(body),
                    "pointerSize": 1,
                },
            }
            for name, body in self.server.files.items()
        ]
        if "/revision/" in self.path and COMMIT not in self.path:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            told = {"id": NAME, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = make("llama", tmp_path_factory.mktemp("base"))
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def served(files, monkeypatch, tmp_path):
    server = Hub(
        {**files, "pytorch_model.bin": b"\x80\x04.", "modeling.py": b"1", "a/b.json": b"{}"}
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(hub, "ENDPOINT", here)
    monkeypatch.setattr(
        hub, "HUGGINGFACE_CO_URL_TEMPLATE", here + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(hub, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_model_is_fetched_once_and_only_its_data(served, files):
    told = []
    folder = folder_of(NAME, lambda *at: told.append(at))
    assert {file.name for file in folder.iterdir()} == set(files)
    assert folder.name == COMMIT
    assert told[-1] == (sum(map(len, files.values())),) * 2
    asked = len(served.asked)
    assert folder_of(NAME) == folder_of(f"{NAME}@{COMMIT}") == folder
    assert len(served.asked) == asked
    assert base.inspect(folder).path == str(folder)


@pytest.mark.usefixtures("served")
def test_what_was_fetched_is_used_offline(monkeypatch):
    folder = folder_of(NAME)
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    assert folder_of(NAME) == folder
    with pytest.raises(BaseRefused, match="go online once"):
        folder_of("someone/else")


@pytest.mark.usefixtures("served")
def test_a_hub_that_cannot_be_reached_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BaseRefused, match="cannot be reached"):
        folder_of(NAME)


@pytest.mark.usefixtures("served")
def test_a_name_or_commit_that_the_hub_does_not_know_is_not_found():
    with pytest.raises(NotFound, match="no model nobody/nothing"):
        folder_of("nobody/nothing")
    with pytest.raises(NotFound, match="no commit"):
        folder_of(f"{NAME}@{'f' * 40}")


@pytest.mark.parametrize("named", ["config.json", "tokenizer_config.json"])
def test_a_model_that_asks_for_code_is_refused_before_its_weights_come(served, named, tmp_path):
    said = json.loads(served.files[named]) | {"auto_map": {"AutoModel": "modeling.M"}}
    served.files[named] = json.dumps(said).encode()
    with pytest.raises(BaseRefused, match="auto_map"):
        folder_of(NAME)
    assert not any("safetensors" in path for path in served.asked)
    assert not list(tmp_path.glob(f"data/*/*/{COMMIT}"))


def test_a_model_without_safetensors_is_refused(served):
    del served.files["model.safetensors"]
    with pytest.raises(BaseRefused, match="no weights as safetensors"):
        folder_of(NAME)


def test_a_model_that_may_not_be_loaded_leaves_nothing(served, tmp_path):
    served.files["model.safetensors"] = served.files["model.safetensors"][:-8]
    with pytest.raises(BaseRefused, match="truncated"):
        folder_of(NAME)
    assert not list(tmp_path.glob("data/*/*/*"))


def test_a_model_for_which_there_is_no_room_is_refused(served, monkeypatch):
    monkeypatch.setattr(
        "console.use.fetching.shutil.disk_usage", lambda _: SimpleNamespace(free=100)
    )
    served.asked.clear()
    with pytest.raises(StorageError, match="make room"):
        folder_of(NAME)
    assert len(served.asked) == 1


def test_a_folder_is_meant_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "someone" / "small-llama").mkdir(parents=True)
    assert folder_of(NAME).is_dir()
    assert not folder_of("models/of/mine").exists()
