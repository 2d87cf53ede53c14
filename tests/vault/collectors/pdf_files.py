"""A writer of PDF, as small as readers accept it: pages of lines in Helvetica."""


def pdf(pages, *, info=None, locked=False, page_objects=None):
    """Return a PDF whose pages hold lines, each (x, y, text) or text below the one before."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    numbers = [3 + 2 * at for at in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    objects.append(f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode())
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    for number, lines in zip(numbers, pages, strict=True):
        page = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {number + 1} 0 R"
            f"/Resources<</Font<</F {font}>>>>>>"
        )
        objects.append((page_objects or {}).get(number, page.encode()))
        objects.append(_stream(_words(lines)))
    facts = "".join(f"/{name}({value})" for name, value in (info or {}).items())
    objects.append(f"<<{facts}>>".encode())
    trailer = f"/Info {len(objects)} 0 R/ID[<00><00>]"
    if locked:
        keys = f"/O<{'00' * 32}>/U<{'11' * 32}>"
        objects.append(f"<</Filter/Standard/V 1/R 2{keys}/P -4>>".encode())
        trailer += f"/Encrypt {len(objects)} 0 R"
    return _file(objects, trailer)


def _words(lines):
    content = []
    for at, line in enumerate(lines):
        x, y, text = line if isinstance(line, tuple) else (50, 780 - 14 * at, line)
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        content.append(f"BT /F 10 Tf {x} {y} Td ({escaped}) Tj ET".encode("cp1252"))
    return b"\n".join(content)


def _stream(content):
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def _file(objects, trailer):
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    end = f"trailer<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF"
    return bytes(out) + end.encode()
