"""A pod's files by our own means and by solid-file: one contract, on the fake and for real."""

import sys

import pytest

from pod_sync.errors import PodChanged, PodRefused
from pod_sync.files import MOST, Entry, OwnFiles, SolidFiles, files_of
from pod_sync.session import Patience, Session
from vault.errors import NotFound, UsageError

HASTY = Patience(first=0, longest=0, sleep=lambda _: None)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.pod)])
def session(request):
    if request.param == "real":
        with Session(request.getfixturevalue("pod")) as speaking:
            yield speaking
        return
    access = request.getfixturevalue("fake_access")
    with Session(access, transport=request.getfixturevalue("fake"), patience=HASTY) as speaking:
        yield speaking


@pytest.fixture(params=[OwnFiles, SolidFiles])
def files(request, session):
    if request.param is SolidFiles:
        pytest.importorskip("solid", exc_type=ModuleNotFoundError)
    return request.param(session)


@pytest.fixture
def quiet(fake, fake_access):
    """Both on one fake that nobody has spoken to."""
    with Session(fake_access, transport=fake, patience=HASTY) as speaking:
        fake.requests.clear()
        yield OwnFiles(speaking), SolidFiles(speaking)


def names(files, path):
    return [(one.name, one.folder) for one in files.ls(path)]


def test_what_was_put_is_listed_and_comes_back_byte_by_byte(files):
    content = bytes(range(256)) * 9
    files.put("holiday/new york/ä (%41#)'!.bin", content, "application/octet-stream")
    found = files.get("/holiday/new york/ä (%41#)'!.bin")
    assert (found.body, found.media_type) == (content, "application/octet-stream")
    assert names(files, "holiday/new york/") == [("ä (%41#)'!.bin", False)]
    assert names(files, "holiday") == [("new york", True)]
    assert ("holiday", True) in names(files, "")
    assert files.ls("/") == files.ls("")


def test_what_the_server_tells_of_a_file_is_passed_on_or_left_empty(files):
    files.put("notes/plan.txt", b"three leeks", "text/plain")
    [entry] = files.ls("notes")
    if isinstance(files, SolidFiles):
        assert entry == Entry("plan.txt", folder=False)
    else:
        assert entry.size == 11
        assert entry.modified.startswith("20")


def test_a_file_is_replaced_only_by_word(files):
    files.put("notes/plan.txt", b"three leeks", "text/plain")
    with pytest.raises(PodChanged):
        files.put("notes/plan.txt", b"no leeks", "text/plain")
    assert files.get("notes/plan.txt").body == b"three leeks"
    files.put("notes/plan.txt", b"six leeks", "text/plain", replace=True)
    assert files.get("notes/plan.txt").body == b"six leeks"


def test_what_is_not_there_is_told_in_the_words_it_was_asked_for(files):
    with pytest.raises(NotFound, match=r"no soup/leeks\.md in the pod"):
        files.get("soup/leeks.md")
    with pytest.raises(NotFound, match="no soup in the pod"):
        files.ls("soup")


@pytest.mark.parametrize(
    "path",
    [
        "../bob/x",
        "a/../../b",
        "a/./b",
        "a//b",
        "//b.example/x",
        "a\nb",
        "http://b.example/x",
        "\udc80",
    ],
)
def test_no_path_leaves_the_pod(fake, quiet, path):
    for files in quiet:
        for does in (files.ls, files.get, lambda path: files.put(path, b"", "text/plain")):  # noqa: B023
            with pytest.raises(UsageError):
                does(path)
    assert fake.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "twinvault/x",
        "/TwinVault/files/a",
        "twinvault",
        ".acl",
        "a/b.acl",
        "a/B.ACR",
        "x.meta",
        "a/",
        "",
    ],
)
def test_nothing_is_put_where_the_vault_or_the_rules_are(fake, quiet, path):
    for files in quiet:
        with pytest.raises(UsageError):
            files.put(path, b"", "text/plain", replace=True)
    assert fake.requests == []


def test_a_file_beyond_the_bound_is_not_taken(fake, fake_access, quiet):
    for files in quiet:
        files.put("film.bin", b"", "video/mp4", replace=True)
        fake.files[fake.path(fake_access.url + "film.bin")].body = bytes(MOST + 1)
        with pytest.raises(PodRefused, match="more than"):
            files.get("film.bin")


def test_solid_file_is_used_where_it_is_installed_and_nobody_else_meets_its_httpx(
    fake, fake_access, monkeypatch
):
    with Session(fake_access, transport=fake) as speaking:
        assert isinstance(files_of(speaking), SolidFiles)
        assert "httpx" not in sys.modules
        monkeypatch.setattr("pod_sync.files.find_spec", lambda _: None)
        assert isinstance(files_of(speaking), OwnFiles)
