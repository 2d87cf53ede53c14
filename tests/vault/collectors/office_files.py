"""Writers of office documents, as small as their programs would accept them."""

import io
import zipfile

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(parts, compression=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return target.getvalue()


def relations(**targets):
    listed = "".join(
        f'<Relationship Id="{id_}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for id_, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_RELS}">{listed}</Relationships>'


def core(**facts):
    listed = "".join(f"<{name}>{value}</{name}>" for name, value in facts.items())
    return f"<coreProperties>{listed}</coreProperties>"


def docx(body, *, facts=None, main="word/document.xml", **parts):
    return zipped(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": relations(a=("officeDocument", main)),
            main: f"<w:document {_W}><w:body>{body}<w:sectPr/></w:body></w:document>",
            **({"docProps/core.xml": core(**facts)} if facts else {}),
            **{f"word/{name}.xml": f"<w:root {_W}>{xml}</w:root>" for name, xml in parts.items()},
        }
    )


def p(text, properties=""):
    inner = f"<w:r><w:t>{text}</w:t></w:r>" if text else ""
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{inner}</w:p>"


def odt(body, *, meta="", styles="", kind="text"):
    space = 'xmlns:o="urn:o" xmlns:t="urn:t" xmlns:d="urn:d" xmlns:s="urn:s"'
    content = f"<o:document-content {space}><o:automatic-styles>{styles}</o:automatic-styles>"
    content += f"<o:body><o:{kind}>{body}</o:{kind}></o:body></o:document-content>"
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": content,
            "meta.xml": f"<o:document-meta {space}><o:meta>{meta}</o:meta></o:document-meta>",
        },
        zipfile.ZIP_STORED,
    )


def epub(chapters, *, metadata="", protected=()):
    listed = "".join(
        f'<item id="c{at}" href="{name}" media-type="application/xhtml+xml"/>'
        for at, name in enumerate(chapters)
    )
    order = "".join(f'<itemref idref="c{at}"/>' for at in range(len(chapters)))
    locked = "".join(f'<CipherReference URI="OPS/{name}"/>' for name in protected)
    pages = {f"OPS/{name}": f"<html><body>{text}</body></html>" for name, text in chapters.items()}
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            **({"META-INF/encryption.xml": f"<encryption>{locked}</encryption>"} if locked else {}),
            "OPS/book.opf": "<!DOCTYPE package><package><metadata>"
            f"{metadata}</metadata><manifest>{listed}</manifest><spine>{order}</spine></package>",
            **dict(reversed(pages.items())),
        },
        zipfile.ZIP_STORED,
    )


def pptx(slides, *, order, notes=None):
    notes = notes or {}
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": relations(a=("officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": "<p xmlns:r='urn:r'><sldIdLst>"
        + "".join(f'<sldId id="{at}" r:id="r{name}"/>' for at, name in enumerate(order))
        + "</sldIdLst></p>",
        "ppt/_rels/presentation.xml.rels": relations(
            **{f"r{name}": ("slide", f"slides/slide{name}.xml") for name in slides}
        ),
    }
    for name, shapes in slides.items():
        tree = f"<s><cSld><spTree>{shapes}</spTree></cSld></s>"
        parts[f"ppt/slides/slide{name}.xml"] = tree
        if name in notes:
            target = ("notesSlide", f"../notesSlides/notes{name}.xml")
            parts[f"ppt/slides/_rels/slide{name}.xml.rels"] = relations(n=target)
            parts[f"ppt/notesSlides/notes{name}.xml"] = (
                f"<n><cSld><spTree>{notes[name]}</spTree></cSld></n>"
            )
    return zipped(parts)


def shape(*lines, kind=""):
    told = "".join(f"<p><r><t>{line}</t></r></p>" for line in lines)
    holder = f'<ph type="{kind}"/>' if kind else ""
    return f"<sp><nvSpPr><nvPr>{holder}</nvPr></nvSpPr><txBody>{told}</txBody></sp>"
