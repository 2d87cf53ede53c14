import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.linear import growth
from vault.collectors.fingerprints import _listed
from vault.collectors.readers.archives import grow, planted
from vault.collectors.readers.pieces import piece_of
from vault.collectors.readers.tree import Caps, Stream, Unreadable, identity


def paths(tree):
    return [file.path for file in tree]


def reasons(tree):
    return {bad.locator: bad.reason for bad in tree.problems}


def read(tree, path):
    with tree.open(path) as stream:
        return stream.read_all(1 << 30)


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_what_is_to_be_left_out_is_no_part_of_a_folder_under_any_name(tmp_path):
    inner, secret = tmp_path / "inner", tmp_path / "secret.txt"
    inner.mkdir()
    for file in (inner / "a.txt", secret, tmp_path / "b.txt"):
        file.write_text(file.name)
    (tmp_path / "same.txt").hardlink_to(secret)
    but = {identity(inner.stat()), identity(secret.stat())}
    tree = grow(tmp_path, but=but)
    assert paths(tree) == [f"{tmp_path.name}/b.txt"]
    assert tree.problems == []
    assert [path for path, _, _ in _listed(tmp_path, but)] == paths(tree)


def test_a_folder_is_listed_in_a_fixed_order_without_links_and_rubbish(tmp_path):
    folder = tmp_path / "export"
    (folder / "b").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("b/2.txt", "a.txt", ".hidden", "b/.DS_Store", ".git/config"):
        (folder / name).write_text(name)
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    tree = grow(folder)
    assert paths(tree) == ["export/a.txt", "export/b/2.txt"]
    assert reasons(tree) == {
        "export/link.txt": "a symbolic link is not followed",
        "export/out": "a symbolic link is not followed",
        "export/pipe": "it is not a regular file",
    }
    assert read(tree, "export/b/2.txt") == b"b/2.txt"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz", "tar.xz"])
def test_archives_are_read_without_being_extracted(tmp_path, form):
    members = [
        ("a/one.txt", b"1"),
        ("a/two.txt", b"22"),
        ("__MACOSX/._x", b"junk"),
        ("a/one.txt", b"again"),
    ]
    mode = "w:" + form.partition(".")[2]
    data = zipped(members) if form == "zip" else tarred(members, mode)
    path = tmp_path / f"x.{form}"
    path.write_bytes(data)
    if form == "tar.xz":
        reason = "xz archives are not read; unpack it and add what was in it"
        assert reasons(grow(path)) == {"x.tar.xz": reason}
        return
    tree = grow(path)
    assert paths(tree) == [f"x.{form}!a/one.txt", f"x.{form}!a/two.txt", f"x.{form}!a/one~2.txt"]
    assert [read(tree, member) for member in reversed(paths(tree))] == [b"again", b"22", b"1"]
    assert list(tmp_path.iterdir()) == [path]


def test_members_that_point_outside_are_refused_and_the_rest_is_read(tmp_path):
    names = ["../evil.txt", "/abs.txt", "C:\\win.txt", "a/../../b.txt", "ok/fine.txt"]
    (tmp_path / "z.zip").write_bytes(zipped([(name, b"x") for name in names]))
    (tmp_path / "t.tar").write_bytes(tarred([*((name, b"x") for name in names), ("link", None)]))
    tree = grow(tmp_path)
    top = tmp_path.name
    assert paths(tree) == [f"{top}/t.tar!ok/fine.txt", f"{top}/z.zip!ok/fine.txt"]
    assert len(tree.problems) == 9
    assert reasons(tree)[f"{top}/t.tar!link"] == "a link is not followed"


def test_a_bomb_is_refused_by_what_it_says(tmp_path):
    (tmp_path / "b.zip").write_bytes(zipped([("zeros.txt", bytes(30 << 20)), ("a.txt", b"a")]))
    tree = grow(tmp_path / "b.zip")
    assert paths(tree) == ["b.zip!a.txt"]
    assert "bomb" in reasons(tree)["b.zip!zeros.txt"]


def test_what_comes_out_is_counted_whatever_was_said_of_it():
    whole = Stream(io.BytesIO(bytes(1000)), budget=1000, beat=lambda: None)
    assert len(whole.read_all(1000)) == 1000
    stream = Stream(io.BytesIO(bytes(1001)), budget=1000, beat=lambda: None)
    with pytest.raises(Unreadable, match="bomb"):
        stream.read_all(1 << 20)


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    info = zipfile.ZipInfo("link.txt")
    info.external_attr = 0o120777 << 16
    (tmp_path / "l.zip").write_bytes(zipped([(info, "/etc/passwd"), ("a.txt", b"a")]))
    tree = grow(tmp_path / "l.zip")
    assert paths(tree) == ["l.zip!a.txt"]
    assert reasons(tree) == {"l.zip!link.txt": "a symbolic link is not followed"}


def test_a_bomb_of_a_tar_is_stopped(tmp_path):
    (tmp_path / "b.tar.gz").write_bytes(
        tarred([("zeros.txt", bytes(60 << 20)), ("after.txt", b"x")], "w:gz")
    )
    tree = grow(tmp_path / "b.tar.gz")
    assert "bomb" in reasons(tree)["b.tar.gz"]
    for file in tree:
        with pytest.raises(Unreadable):
            read(tree, file.path)


def test_archives_in_archives_are_read_to_the_second(tmp_path):
    inner = zipped([("deep.txt", b"deep")])
    middle = zipped([("inner.zip", inner), ("middle.txt", b"middle")])
    (tmp_path / "outer.zip").write_bytes(zipped([("middle.zip", middle), ("outer.txt", b"outer")]))
    tree = grow(tmp_path / "outer.zip")
    assert paths(tree) == ["outer.zip!middle.zip!middle.txt", "outer.zip!outer.txt"]
    assert read(tree, "outer.zip!middle.zip!middle.txt") == b"middle"
    assert "nested" in reasons(tree)["outer.zip!middle.zip!inner.zip"]


def test_too_many_members_stop_the_archive_and_keep_those_before(tmp_path):
    (tmp_path / "m.zip").write_bytes(zipped([(f"{n}.txt", b"x") for n in range(20)]))
    tree = grow(tmp_path / "m.zip", Caps(members=5))
    assert len(tree.files) == 5
    assert "members" in reasons(tree)["m.zip"]


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar"])
def test_a_damaged_archive_is_told(tmp_path, suffix):
    members = [(f"{n}.txt", os.urandom(5000)) for n in range(20)]
    data = (
        zipped(members)
        if suffix == ".zip"
        else tarred(members, "w:gz" if suffix == ".tar.gz" else "w")
    )
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: len(data) // 2])
    tree = grow(path)
    broken = dict(reasons(tree))
    for file in tree:
        try:
            read(tree, file.path)
        except Unreadable as error:
            broken[file.path] = str(error)
    assert broken
    assert all("cut" in where and reason for where, reason in broken.items())


def test_an_encrypted_member_is_told(tmp_path):
    data = bytearray(zipped([("a.txt", b"x")]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "e.zip").write_bytes(data)
    assert reasons(grow(tmp_path / "e.zip")) == {
        "e.zip!a.txt": "it is encrypted; unpack it with its password and add what was in it"
    }


@pytest.mark.parametrize(
    "members",
    [
        ["[Content_Types].xml", "word/a.xml"],
        [*(f"word/media/{number}.png" for number in range(200)), "[Content_Types].xml"],
        ["mimetype", "META-INF/container.xml", "a.xhtml"],
        ["Index/Document.iwa", "preview.jpg"],
    ],
)
@pytest.mark.parametrize("name", ["letter.docx", "renamed.zip", "no suffix"])
def test_documents_that_are_zips_are_no_archives(tmp_path, members, name):
    (tmp_path / name).write_bytes(zipped([(member, b"x") for member in members]))
    assert paths(grow(tmp_path / name)) == [name]


@pytest.mark.parametrize("mark", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\x00"])
def test_archives_that_nobody_reads_are_told_with_the_way_out(tmp_path, mark):
    (tmp_path / "a.bin").write_bytes(mark + bytes(20))
    ((where, reason),) = reasons(grow(tmp_path / "a.bin")).items()
    assert where == "a.bin"
    assert "unpack" in reason


# --- downloads in several parts ---


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        (
            ["takeout-20240101T000000Z-001.zip", "takeout-20240101T000000Z-002.zip"],
            "takeout-20240101T000000Z.zip",
        ),
        (
            ["takeout-20240101T000000Z-1-001.zip", "takeout-20240101T000000Z-3-001.zip"],
            "takeout-20240101T000000Z.zip",
        ),
        (["export-1-of-2.zip", "export-2-of-2.zip"], "export.zip"),
        (["export (1 of 2).zip", "export (2 of 2).zip"], "export.zip"),
        (["x.part1.zip", "x.part2.zip"], "x.zip"),
        (["Export-ab12-Part-1.zip", "Export-ab12-Part-2.zip"], "Export-ab12.zip"),
        (["x.part9.tar", "x.part10.tar"], "x.tar"),
    ],
)
def test_a_download_in_parts_is_one_and_its_places_name_the_part(tmp_path, names, whole):
    make = tarred if whole.endswith("tar") else zipped
    for number, name in enumerate(names, 1):
        data = make([(f"Takeout/Mail/{number}.txt", b"%d" % number), ("Takeout/same.html", b"x")])
        (tmp_path / name).write_bytes(data)
    tree = grow(tmp_path)
    top = tmp_path.name
    inside = ["Mail/1.txt", "same.html", "Mail/2.txt", "same~2.html"]
    assert paths(tree) == [f"{top}/{whole}!Takeout/{path}" for path in inside]
    assert [tree.located(path + "#7") for path in paths(tree)] == [
        f"{top}/{names[number]}!Takeout/{path}#7"
        for number, path in zip([0, 0, 1, 1], inside, strict=True)
    ]
    assert read(tree, f"{top}/{whole}!Takeout/Mail/2.txt") == b"2"
    assert len(tree.problems) == (8 if names[0] == "x.part9.tar" else 0)


def test_a_download_in_parts_is_collected_as_one_and_what_is_bad_names_its_part(tmp_path, gather):
    export = tmp_path / "export"
    export.mkdir()
    names = ["takeout-20240101T000000Z-001.zip", "takeout-20240101T000000Z-002.zip"]
    (export / names[0]).write_bytes(zipped([("Takeout/a.md", b"[one](b.md) ![[p.png]]")]))
    (export / names[1]).write_bytes(
        zipped([("Takeout/b.md", b"two"), ("Takeout/c.md", bytes(999)), ("Takeout/p.png", b"png")])
    )
    gathered = gather(export)
    assert [item.locator for item in gathered.items] == [
        f"export/{names[0]}!Takeout/a.md",
        f"export/{names[1]}!Takeout/b.md",
    ]
    assert [one.name for one in gathered.items[0].attachments] == ["p.png"]
    assert [bad.locator for bad in gathered.bad] == [f"export/{names[1]}!Takeout/c.md"]


def test_a_part_that_is_not_there_is_told(tmp_path):
    for name in ("x-1-of-3.zip", "x-3-of-3.zip", "y-20240101T000000Z-002.zip"):
        (tmp_path / name).write_bytes(zipped([("a.txt", b"a")]))
    top = tmp_path.name
    absent = "of this download is not there; add all at once"
    assert reasons(grow(tmp_path)) == {
        f"{top}/x-1-of-3.zip": f"part 2 of 3 {absent}",
        f"{top}/y-20240101T000000Z-002.zip": f"part 1 {absent}",
    }
    alone = grow(tmp_path / "x-3-of-3.zip")
    assert paths(alone) == ["x.zip!a.txt"]
    assert [bad.reason for bad in alone.problems] == [
        f"part 1 of 3 {absent}",
        f"part 2 of 3 {absent}",
    ]


def test_parts_within_an_archive_are_one_too_and_as_large_as_they_like(tmp_path):
    inner = [
        (f"ExportBlock-1-Part-{n}.zip", zipped([(f"Home/{n}.md", os.urandom(3000))]))
        for n in (1, 2)
    ]
    (tmp_path / "outer.zip").write_bytes(zipped(inner, zipfile.ZIP_STORED))
    tree = grow(tmp_path / "outer.zip", Caps(nested=1000))
    whole = "outer.zip!ExportBlock-1.zip!Home"
    assert paths(tree) == [f"{whole}/1.md", f"{whole}/2.md"]
    assert tree.located(f"{whole}/2.md") == "outer.zip!ExportBlock-1-Part-2.zip!Home/2.md"
    assert len(read(tree, f"{whole}/2.md")) == 3000
    (tmp_path / "packed.zip").write_bytes(zipped(inner))
    packed = grow(tmp_path / "packed.zip", Caps(nested=1000))
    assert not packed.files
    assert len(packed.problems) == 2


def test_an_archive_cut_into_pieces_of_bytes_is_read_where_all_are_there(tmp_path):
    data = zipped([("a.txt", os.urandom(5000)), ("b.txt", b"b")])
    for number in range(3):
        piece = data[number * 2000 : (number + 1) * 2000]
        (tmp_path / f"x.zip.00{number + 1}").write_bytes(piece)
    top = tmp_path.name
    tree = grow(tmp_path)
    assert paths(tree) == [f"{top}/x.zip!a.txt", f"{top}/x.zip!b.txt"]
    assert len(read(tree, f"{top}/x.zip!a.txt")) == 5000
    assert tree.located(f"{top}/x.zip!b.txt") == f"{top}/x.zip.001!b.txt"
    (tmp_path / "x.zip.002").unlink()
    reason = "part 2 of this archive is not there; add all at once"
    assert reasons(grow(tmp_path)) == {f"{top}/x.zip.00{n}": reason for n in (1, 3)}


def test_an_archive_with_the_name_of_the_whole_does_not_hide_its_parts(tmp_path):
    for name in ("x.zip", "x.part1.zip", "x.part1.ZIP"):
        (tmp_path / name).write_bytes(zipped([("a.txt", name.encode())]))
    tree = grow(tmp_path)
    assert sorted(read(tree, path).decode() for path in paths(tree)) == [
        "x.part1.ZIP",
        "x.part1.zip",
        "x.zip",
    ]
    assert len(set(paths(tree))) == 3


def test_names_that_only_look_numbered_are_left_alone(tmp_path):
    names = ["notes-2024.zip", "part 2.zip", "photo-001.zip", "1 of 2.zip"]
    for name in names:
        (tmp_path / name).write_bytes(zipped([("a.txt", b"a")]))
    tree = grow(tmp_path)
    assert paths(tree) == sorted(f"{tmp_path.name}/{name}!a.txt" for name in names)
    assert not tree.problems


def test_a_parser_that_must_seek_may(tmp_path):
    data = os.urandom(5000)
    (tmp_path / "x.pst").write_bytes(data)
    (tmp_path / "x.zip").write_bytes(zipped([("y.pst", data)]))
    tree = grow(tmp_path)
    top = tmp_path.name
    for path in paths(tree):
        raw = tree.seekable(path, 5000)
        raw.seek(-10, os.SEEK_END)
        assert raw.read(99) == data[-10:]
        raw.close()
    assert tree.opened == {f"{top}/x.pst", f"{top}/x.zip!y.pst"}
    tree.seekable(f"{top}/x.pst", 10).close()
    with pytest.raises(Unreadable, match="larger"):
        tree.seekable(f"{top}/x.zip!y.pst", 10)


def test_a_compressed_file_that_is_no_archive_is_told(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello"))
    assert list(reasons(grow(tmp_path / "a.gz"))) == ["a.gz"]


def test_a_file_that_became_a_link_after_it_was_listed_is_not_followed(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    tree = grow(folder)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable):
        read(tree, "export/a.txt")


def test_names_that_are_no_text_do_no_harm(tmp_path):
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.txt", os.O_CREAT | os.O_WRONLY))
    (path,) = paths(grow(tmp_path))
    path.encode("utf-8")


def test_a_file_is_found_by_its_name_the_nearest_first(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.png").write_text(folder)
        (tmp_path / folder / "n.md").write_text("x")
    tree = grow(tmp_path)
    top = tmp_path.name
    assert tree.find("P.png", f"{top}/b/n.md").path == f"{top}/b/p.png"
    assert tree.find("a/p.png", f"{top}/b/n.md").path == f"{top}/a/p.png"
    assert tree.find("q.png", f"{top}/b/n.md") is None


# --- names that collide, and names without end ---


def made(folder, *names):
    """Make files whose names are bytes and whose content says which they are."""
    for name in names:
        place = folder / os.fsdecode(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(name)


def test_names_that_are_no_text_are_told_apart_and_each_is_read(tmp_path):
    names = [b"r\xe8s.md", b"r\xe9s.md", b"d\xe8/a.md", b"d\xe9/a.md", b"same"]
    made(tmp_path, *names)
    tree = grow(tmp_path)
    assert len(set(paths(tree))) == 5
    assert sorted(read(tree, path) for path in paths(tree)) == sorted(names)
    assert f"{tmp_path.name}/r\ufffds~2.md" in paths(tree)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (["a.md", "a.md", "a~2.md"], ["a.md", "a~2.md", "a~2~2.md"]),
        (["a~2.md", "a.md", "a.md"], ["a~2.md", "a.md", "a~3.md"]),
        (["README", "README"], ["README", "README~2"]),
        (["a!b", "a!b"], ["a!b", "a!b~2"]),
    ],
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_members_of_one_name_never_take_the_name_of_another(tmp_path, make, names, seen):
    (tmp_path / "x.dat").write_bytes(make([(name, b"%d" % n) for n, name in enumerate(names)]))
    tree = grow(tmp_path / "x.dat")
    assert paths(tree) == [f"x.dat!{name}" for name in seen]
    assert [read(tree, path) for path in paths(tree)] == [b"%d" % n for n in range(len(names))]


def test_a_file_named_like_a_member_is_read_beside_it(tmp_path):
    (tmp_path / "x.zip").write_bytes(zipped([("a.md", b"member")]))
    (tmp_path / "x.zip!a.md").write_bytes(b"file")
    tree = grow(tmp_path)
    top = tmp_path.name
    assert paths(tree) == [f"{top}/x.zip!a~2.md", f"{top}/x.zip!a.md"]
    assert [read(tree, path) for path in paths(tree)] == [b"member", b"file"]
    files = {"x.zip": zipped([("a.md", b"member")]), "x.zip!a.md": b"file"}
    assert len(set(paths(planted("top", files)))) == 2


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_many_members_of_one_name_cost_no_more_each_than_few():
    def listed(count):
        names = ["a.md", "a~2.md"] * (count // 2)
        tree = planted("", {"x.zip": archives[count]})
        assert len(set(paths(tree))) == len(names)

    archives = {
        count: zipped([("a.md", b""), ("a~2.md", b"")] * (count // 2)) for count in (500, 4000)
    }
    assert growth(listed, 500, 4000) < 24


def test_a_member_with_a_name_without_end_does_not_take_its_archive_along(tmp_path):
    names = ["-" * 60_000 + ".zip", "a/" * 32_000 + "b", "c" * 4097, "d/" * 201 + "e"]
    fine = ["f" * 4096, "g/" * 200 + "h", "i.md"]
    for make in (zipped, tarred):
        (tmp_path / "x.dat").write_bytes(make([(name, b"x") for name in [*names, *fine]]))
        tree = grow(tmp_path / "x.dat")
        assert paths(tree) == [f"x.dat!{name}" for name in fine]
        assert [bad.reason for bad in tree.problems] == ["its name is too long"] * 4
        assert all(bad.locator.startswith("x.dat!") for bad in tree.problems)
        assert all(len(bad.locator) < 300 for bad in tree.problems)


def test_folders_nested_for_ever_are_refused_once_and_the_rest_is_read(tmp_path):
    top = tmp_path / "top"
    made(top, b"a/" * 210 + b"b.md", b"c/" * 199 + b"d.md", b"e.md")
    tree = grow(top)
    assert paths(tree) == ["top/e.md", "top/" + "c/" * 199 + "d.md"]
    assert list(reasons(tree).values()) == ["its name is too long"]


def test_whether_a_name_is_that_of_a_part_is_said_without_delay():
    assert growth(lambda size: piece_of("-" * size + ".zip"), 8_000, 32_000) < 8
    assert piece_of("a" * 235 + "-part1.zip") is not None
    assert piece_of("a" * 250 + "-part1.zip") is None
    assert piece_of("a/" * 300 + "x-part1.zip") is not None


def test_what_is_known_again_are_the_files_that_the_tree_has(tmp_path):
    top = tmp_path / "top"
    made(top, b"r\xe8s.md", b"r\xe9s.md", b"r\xe9s/a.md", b"r\xe8s/a.md", b"b/c.md")
    made(top, b".obsidian/workspace.json", b".hidden", b"b/.DS_Store", b"__MACOSX/x.md")
    made(top, b"a/" * 210 + b"b.md")
    (top / "link").symlink_to("/etc/passwd")
    tree = grow(top)
    listed = {path: (place, facts) for path, place, facts in _listed(top)}
    assert sorted(listed) == sorted(paths(tree))
    for path, (place, facts) in listed.items():
        assert Path(os.fsdecode(place)).read_bytes() == read(tree, path)
        assert facts.st_size == len(read(tree, path))
    assert [path for path, *_ in _listed(top / "b" / "c.md")] == ["c.md"]
    assert list(_listed(tmp_path / "nowhere")) == []
