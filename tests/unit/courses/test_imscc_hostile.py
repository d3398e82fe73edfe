from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from adapters.courses import imscc_archive
from adapters.courses.imscc import open_package
from core.content.course_plan import CoursePlan
from core.errors import Corrupt, InvalidInput, NotFound, ZipBomb
from tests.packages import canvas_course, item, manifest, pack, page, resource

BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><manifest>&b;</manifest>"""
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "{}">]><manifest><title>&f;</title></manifest>'


def read(path: Path) -> CoursePlan:
    with open_package(path, title="T") as made:
        assert all(each.path.is_file() for each in made.materials)
        return made


def small(folder: Path, **files: str | bytes) -> Path:
    """Pack one page, with these files beside it."""
    listed = [resource("p", "webcontent", "p.html"), resource("f", "webcontent", "f.txt")]
    default = {"imsmanifest.xml": manifest(item("m", "Unit", inside=item("i", "Page", "p")), listed)}
    named = {name.replace("__", "."): content for name, content in files.items()}
    return pack(folder / "course.imscc", {**default, "p.html": page("Page", "<p>Words.</p>"), **named})


def test_entities_and_files_from_outside_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    for text in (BOMB, OUTSIDE.format(secret.as_uri()), BOMB.encode("utf-16")):
        with pytest.raises(Corrupt, match="document type"):
            read(small(tmp_path, imsmanifest__xml=text))
    files = canvas_course()
    files["course_settings/module_meta.xml"] = files["a1/assignment_settings.xml"] = OUTSIDE.format(secret.as_uri())
    made = read(pack(tmp_path / "canvas.imscc", files))
    assert "hidden words" not in repr(made)
    assert [each.path for each in made.skipped if "document type" in each.reason] == ["The Sky › Moon diary"]
    assert any("module_meta.xml can't be read" in note for note in made.notes)


def test_what_is_said_of_a_package_with_nothing_to_take_ends_once(tmp_path: Path) -> None:
    zeros = b"0" * 2**25
    with pytest.raises(InvalidInput, match="nothing to import") as refused:
        read(small(tmp_path, p__html=zeros, f__txt=zeros))
    assert refused.value.sentence.count("more than can be taken.") == 2
    assert ".." not in refused.value.sentence
    made = read(small(tmp_path, **{"e.html": page("Empty?", "")}, p__html=page("Who asks?", "")))
    assert not any(note.endswith("?.") for note in made.notes)


def test_no_path_leads_out_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hidden words")
    inside = tmp_path / "inside"
    inside.mkdir()
    hostile = ("../secret.txt", "/etc/passwd", "C:/secret.txt", "..\\secret.txt", "a/../../secret.txt")
    listed = [
        resource("p", "webcontent", "p.html"),
        *(resource(f"f{at}", "webcontent", name) for at, name in enumerate(hostile)),
    ]
    path = pack(
        inside / "course.imscc",
        {
            "imsmanifest.xml": manifest(item("m", "Unit", inside=item("i", "Page", "p")), listed),
            "p.html": page("Page", '<a href="../secret.txt">x</a> <a href="$IMS-CC-FILEBASE$/../../secret.txt">y</a>'),
            **dict.fromkeys(hostile, "written from inside"),
        },
    )  # fmt: skip
    with zipfile.ZipFile(path, "a") as package:
        entry = zipfile.ZipInfo("f.txt")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        package.writestr(entry, "/etc/passwd")
    made = read(path)
    assert not made.materials
    assert {each.path for each in made.skipped if "leads out" in each.reason} == {*hostile, "f.txt"}
    assert (tmp_path / "secret.txt").read_text() == "hidden words"


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZipBomb):
        read(small(tmp_path, imsmanifest__xml=b" " * (imscc_archive._TEXT + 1)))
    listed = [resource("p", "webcontent", "p.html"), resource("f", "webcontent", "f.txt")]
    files: dict[str, str | bytes] = {
        "imsmanifest.xml": manifest(item("m", "Unit", inside=item("i", "Page", "p")), listed),
        "p.html": page("Page", "<p>Words.</p>"),
        "f.txt": b"0" * (11 * 2**20),
    }
    made = read(pack(tmp_path / "ratio.imscc", files))
    assert [each.path for each in made.skipped] == ["f.txt"]
    monkeypatch.setattr(imscc_archive, "_ENTRIES", 2)
    with pytest.raises(ZipBomb, match="more than 2 files"):
        read(pack(tmp_path / "many.imscc", files))


def test_a_whole_package_unpacks_to_no_more_than_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imscc_archive, "_UNPACKED", 30_000)
    files = canvas_course()
    files["web_resources/map.txt"] = b"0" * 15_000
    files["web_resources/optics.txt"] = b"1" * 15_000
    made = read(pack(tmp_path / "course.imscc", files))
    assert [each.key for each in made.materials] == ["f1"]
    assert "web_resources/optics.txt" in {each.path for each in made.skipped}


def test_deep_and_wide_xml_and_html_are_refused_in_time(tmp_path: Path) -> None:
    deep = "<item>" * 5_000 + "</item>" * 5_000
    with pytest.raises(Corrupt, match="nested too deeply"):
        read(small(tmp_path, imsmanifest__xml=f"<manifest>{deep}</manifest>"))
    with pytest.raises(InvalidInput, match="no pages"):
        read(small(tmp_path, p__html="<div>" * 100_000))
    made = read(small(tmp_path, p__html="<b>" * 2_000 + "deep" + "<ul><li>" * 400))
    assert made.lessons[0].body == "**deep**"
    made = read(small(tmp_path, p__html="<pre>" + "<b>" * 2_500 + "deep"))
    assert made.lessons[0].body == "```\ndeep\n```"


@pytest.mark.parametrize("cut", [0, 10, 200, -40, -1])
def test_damaged_packages_say_so(tmp_path: Path, cut: int) -> None:
    path = pack(tmp_path / "course.imscc", canvas_course())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Corrupt, match="not a zip file"):
        read(path)


def test_damage_inside_names_the_file(tmp_path: Path) -> None:
    path = small(tmp_path, p__html="<p>" + "Words. " * 400)
    data = bytearray(path.read_bytes())
    at = data.index(b"p.html") + len(b"p.html")
    data[at : at + 6] = bytes(6)
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"no pages.*p\.html in the package is damaged"):
        read(path)


def test_what_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(tmp_path / "missing.imscc")
    with pytest.raises(InvalidInput, match=r"no imsmanifest\.xml"):
        read(pack(tmp_path / "zip.imscc", {"a.html": "A"}))
    with pytest.raises(InvalidInput, match="folder around it"):
        read(pack(tmp_path / "around.imscc", {"course/imsmanifest.xml": manifest()}))
    with pytest.raises(Corrupt, match="well-formed"):
        read(pack(tmp_path / "xml.imscc", {"imsmanifest.xml": "<manifest>"}))


def test_names_and_texts_in_other_encodings(tmp_path: Path) -> None:
    listed = [resource("p", "webcontent", "%C3%BC.html"), resource("f", "webcontent", "f\u00fcr.txt")]
    path = tmp_path / "course.imscc"
    written = manifest(item("m", "\u00dcbung", inside=item("i", "Gr\u00f6\u00dfe", "p")), listed)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("imsmanifest.xml", written.replace("UTF-8", "UTF-16").encode("utf-16"))
        package.writestr("\u00fc.html", "<meta charset=latin-1><p>sch\u00f6n</p>".encode("latin-1"))
        package.writestr("fXXr.txt", "Für alle")
    # UTF-8 in a name without the flag that says so, as many programs write it.
    path.write_bytes(path.read_bytes().replace(b"fXXr.txt", "f\u00fcr.txt".encode()))
    made = read(path)
    assert (made.modules[0].title, made.lessons[0].title, made.lessons[0].body) == ("Übung", "Größe", "schön")
    assert made.materials[0].path.name == "für.txt"
