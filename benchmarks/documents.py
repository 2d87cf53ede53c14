"""How fast documents become items: PDF against `pypdf`, Word against `python-docx`.

    python benchmarks/documents.py [--pages N] [--letters N] [--rounds N] [--samples FOLDER]

Prints one JSON object. Both sides read the same files: text in reading order, title, author
and dates. Ours also joins lines to paragraphs, drops running heads, finds headings, lists and
notes, and carries the items out of the confined child: its time is that of parent and child
together. The goal is a ratio of at least 5 in processor time for PDF; Word is told for
information. The baselines are no dependencies: `pip install pypdf python-docx`.
"""

# ruff: noqa: PLR2004 - the chances and sizes of made-up documents need no names

import argparse
import json
import random
import resource
import statistics
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vault.collectors import collect
from vault.items import Bad, Item

GOAL = 5.0
PAGES_IN_PAPER = 12
WIDTH = 88


class Writer:
    """Writes papers and letters as programs for text do: kerned, compressed, divided."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        lengths = (2, 3, 4, 5, 5, 6, 7, 8, 9, 11)
        self.words = [self._word(self.random.choice(lengths)) for _ in range(6000)]

    def _word(self, length: int) -> str:
        return "".join(self.random.choices("etaoinshrdlucmfwypvbgkjqxz", k=length))

    def sentence(self) -> str:
        """Return a sentence."""
        some = self.random.choices(self.words, k=self.random.randint(5, 22))
        return " ".join(some).capitalize() + "."

    def _lines(self) -> Iterator[str]:
        """Yield the lines of a column, with headings and words divided at their ends."""
        line = ""
        while True:
            if self.random.random() < 0.04:
                yield line
                yield self.sentence()[:40]
                line = ""
            for word in self.sentence().split():
                if len(line) + len(word) < WIDTH:
                    line += (" " if line else "") + word
                elif len(word) > 7 and self.random.random() < 0.3:
                    yield f"{line} {word[:4]}-"
                    line = word[4:]
                else:
                    yield line
                    line = word

    def paper(self, path: Path, pages: int) -> None:
        """Write a PDF as LaTeX sets it: each line an array of pieces moved by kerning."""
        lines = self._lines()
        fonts = "<</F 3 0 R/B 4 0 R>>"
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"",
            *map(_font, ("Times-Roman", "Times-Bold")),
        ]
        kids = []
        for number in range(1, pages + 1):
            content = zlib.compress(self._page(number, lines))
            objects.append(
                b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(content), content)
            )
            objects.append(
                f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {len(objects)} 0 R"
                f"/Resources<</Font{fonts}>>>>".encode()
            )
            kids.append(f"{len(objects)} 0 R")
        objects[1] = f"<</Type/Pages/Count {pages}/Kids[{' '.join(kids)}]>>".encode()
        objects.append(b"<</Title(A paper)/Author(Jane Roe)/CreationDate(D:20240102030405Z)>>")
        path.write_bytes(_pdf(objects))

    def _page(self, number: int, lines: Iterator[str]) -> bytes:
        out = [f"BT /B 9 Tf 72 800 Td (Journal of Engines, {number}) Tj ET", "BT /F 10 Tf"]
        out.append("72 770 Td 12.5 TL")
        out += [f"[{self._kerned(next(lines))}] TJ T*" for _ in range(54)]
        out += ["ET", f"BT /F 9 Tf 297 40 Td ({number}) Tj ET"]
        return "\n".join(out).encode("ascii")

    def _kerned(self, line: str) -> str:
        pieces = []
        for word in line.split(" "):
            cut = self.random.randint(1, max(1, len(word)))
            pieces += [f"({word[:cut]})", str(self.random.randint(-30, 30))]
            pieces += [f"({word[cut:]})", "-278"]
        return "".join(pieces[:-1])

    def letter(self, path: Path) -> None:
        """Write a Word document as Word writes it: runs of a few words, each with its looks."""
        space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        body = "".join(map(self._paragraph, range(120)))
        kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        content = "application/vnd.openxmlformats-officedocument.wordprocessingml"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(
                "[Content_Types].xml",
                '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                '<Default Extension="rels" ContentType='
                '"application/vnd.openxmlformats-package.relationships+xml"/><Override '
                f'PartName="/word/document.xml" ContentType="{content}.document.main+xml"/></Types>',
            )
            file.writestr(
                "_rels/.rels",
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                f'<Relationship Id="a" Type="{kinds}/officeDocument" Target="word/document.xml"/>'
                "</Relationships>",
            )
            file.writestr(
                "word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>"
            )

    def _paragraph(self, number: int) -> str:
        looks = '<w:rPr><w:rFonts w:ascii="Arial" w:hAnsi="Arial"/><w:sz w:val="22"/></w:rPr>'
        runs = "".join(
            f'<w:r w:rsidR="00{self.random.getrandbits(24):06X}">{looks}'
            f'<w:t xml:space="preserve">{self.sentence()} </w:t></w:r>'
            for _ in range(self.random.randint(2, 9))
        )
        return f'<w:p w:rsidR="00{number:06X}"><w:pPr><w:jc w:val="both"/></w:pPr>{runs}</w:p>'


def _font(name: str) -> bytes:
    return f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>".encode()


def _pdf(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.5\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R/Info %d 0 R>>" % (len(objects) + 1, len(objects))
    start = b"startxref\n%d\n%%%%EOF" % len(out)
    return bytes(out) + b"xref\n0 %d\n0000000000 65535 f \n%s%s\n%s" % (
        len(objects) + 1,
        table,
        end,
        start,
    )


def ours(folder: Path) -> int:
    """Collect a folder; return how many letters came."""
    letters = 0
    # Named, since nobody asks the other side either what it is given.
    source = "documents" if any(folder.glob("*.docx")) else "pdf"
    for outcome in collect(folder, frozenset({"jane roe"}), source=source):
        if isinstance(outcome, Item):
            letters += len(outcome.text)
        assert not isinstance(outcome, Bad), outcome
    return letters


def by_pypdf(folder: Path) -> int:
    """Read the same of PDFs with `pypdf`."""
    from pypdf import PdfReader  # noqa: PLC0415

    letters = 0
    for path in sorted(folder.iterdir()):
        reader = PdfReader(path)
        facts = reader.metadata
        if facts is not None:
            letters += len(f"{facts.title}{facts.author}{facts.creation_date}")
        letters += sum(len(page.extract_text()) for page in reader.pages)
    return letters


def by_python_docx(folder: Path) -> int:
    """Read the same of Word documents with `python-docx`."""
    from docx import Document  # noqa: PLC0415

    letters = 0
    for path in sorted(folder.iterdir()):
        document = Document(str(path))
        letters += sum(len(paragraph.text) for paragraph in document.paragraphs)
    return letters


def _spent() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(work: Callable[[Path], int], folder: Path) -> dict[str, float]:
    """Return the cost of reading a folder once."""
    before = _spent()
    letters = work(folder)
    return {"cpu_s": round(_spent() - before, 3), "letters": letters}


def compare(
    theirs: Callable[[Path], int], folder: Path, rounds: int, count: int
) -> dict[str, object]:
    """Measure both sides in turn."""
    both = [(measure(ours, folder), measure(theirs, folder)) for _ in range(rounds)]
    mine, other = (
        statistics.median(side["cpu_s"] for side in sides) for sides in zip(*both, strict=True)
    )
    return {
        "count": count,
        "ours": [one for one, _ in both],
        "theirs": [one for _, one in both],
        "ours_per_cpu_s": round(count / mine),
        "theirs_per_cpu_s": round(count / other),
        "ratio_cpu": round(statistics.median(two["cpu_s"] / one["cpu_s"] for one, two in both), 2),
    }


def samples(folder: Path, target: Path) -> int:
    """Copy the PDFs of a folder that have text, many times over; return their pages."""
    from pypdf import PdfReader  # noqa: PLC0415

    count = 0
    for path in sorted(folder.glob("*.pdf")):
        pages = PdfReader(path).pages
        if any(page.extract_text().strip() for page in pages):
            for copy in range(300):
                (target / f"{copy:03}-{path.name}").write_bytes(path.read_bytes())
                count += len(pages)
    return count


def main() -> None:
    """Measure and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1200, help="of PDF (default: 1200)")
    parser.add_argument("--letters", type=int, default=200, help="of Word (default: 200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=Path, help="a folder of real PDFs, measured apart")
    options = parser.parse_args()
    writer = Writer(7)
    result: dict[str, object] = {"benchmark": "documents"}
    with tempfile.TemporaryDirectory() as name:
        papers, letters, real = (Path(name) / part for part in ("papers", "letters", "real"))
        for folder in (papers, letters, real):
            folder.mkdir()
        count = max(1, options.pages // PAGES_IN_PAPER)
        for number in range(count):
            writer.paper(papers / f"{number:04}.pdf", PAGES_IN_PAPER)
        for number in range(options.letters):
            writer.letter(letters / f"{number:04}.docx")
        pdf = compare(by_pypdf, papers, options.rounds, count * PAGES_IN_PAPER)
        result["pdf_pages"] = pdf
        if options.samples:
            pages = samples(options.samples, real)
            result["pdf_pages_real"] = compare(by_pypdf, real, options.rounds, pages)
        result["word_texts"] = compare(by_python_docx, letters, options.rounds, options.letters)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    ratio = pdf["ratio_cpu"]
    assert isinstance(ratio, float)
    result |= {"peak_child_mb": peak, "goal": GOAL, "met": ratio >= GOAL}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
