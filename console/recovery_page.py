"""The recovery page: the recovery key on one sheet to print, with a code to scan.

The file stands alone: no script, no font, no picture and nothing loaded from outside it. It
prints in black on one A4 or Letter page. The code holds the key as printed and nothing else,
with the strongest error correction that QR codes have. Where a pod is linked the page leads
to it, too: a second code and the same letters in print hold the way in, sealed under the key.
"""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from string import Template

import segno

__all__ = ["Beside", "recovery_page"]

# The key keeps a line of its own, and the vault's id the end of one: that is how the file
# is read where it is named in place of the passphrase, and known again after a crash.
_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex, noarchive">
<title>Twinvault recovery key</title>
<style>
@page { size: auto; margin: 18mm }
body { color: #000; background: #fff; font: 11pt/1.45 sans-serif; max-width: 170mm; margin: 0 auto; padding: 6mm }
h1 { font-size: 20pt; margin: 0 }
h2 { font-size: 12.5pt; margin: 6mm 0 1mm }
p, ol, ul { margin: 1mm 0 0 }
ol, ul { padding-left: 6mm }
code, pre { font-family: monospace }
div { border: 0.4mm solid #000; padding: 2.5mm 0; margin-bottom: 4mm }
pre { margin: 0; text-align: center; font-size: 13pt }
pre + pre { font-weight: bold }
figure { margin: 6mm 0 4mm; text-align: center }
svg { width: 56mm; height: 56mm; shape-rendering: crispEdges }
@media print { body { padding: 0; max-width: none } }
$style</style>
</head>
<body>
<h1>Twinvault recovery key</h1>
<p>This page opens your vault without the passphrase. Whoever holds it can read everything
that is in the vault.</p>
<figure>
$code
</figure>
<div>
<pre>
$numbers
</pre>
<pre>
$key
</pre>
</div>
<p>Made: $made<br>
Vault: $vault
</p>
$pod<h2>Now</h2>
<ol>
<li>Print this page, and see that every letter can be read.</li>
<li>Keep the paper where you keep papers that matter, away from the computer.</li>
<li>Delete this file, and empty the bin.</li>
</ol>
<h2>When the passphrase is lost</h2>
<ol>
<li>Run <code>twin keys passphrase</code> and type the key, on one line, where the passphrase
is asked for. Hyphens, spaces and capitals do not matter; O counts as 0, I and L count as 1.
The last group is a checksum: a slip of the pen is noticed.</li>
<li>Choose a new passphrase. This page stays valid.</li>
</ol>
<p>$scanned holds the same letters for a scanner; scan it with a device that you
trust, and with no app that sends away what it reads.</p>
<h2>When somebody else may have seen this page</h2>
<p>Run <code>twin keys recovery</code>: it writes a new page, and this one opens the vault no
more. Copies and backups of the vault that were made before are opened by it still.</p>
</body>
</html>
""")


# Two codes side by side and smaller letters, so that it stays one sheet.
_STYLE = """\
@page { margin: 14mm }
body { font-size: 9.5pt; line-height: 1.35 }
h1 { font-size: 16pt }
h2 { font-size: 11pt; margin-top: 4mm }
div { padding: 2mm 0; margin-bottom: 3mm }
pre { font-size: 12pt }
figure { margin: 4mm 0 3mm; display: flex; justify-content: space-evenly }
figure figure { display: block; margin: 0 }
svg { width: 48mm; height: 48mm; display: block; margin: auto }
figcaption { font-size: 9.5pt }
pre.way { font-size: 7.5pt; font-weight: normal; text-align: left; white-space: pre-wrap; margin-top: 1mm }
"""
_CODES = Template("""\
<figure>
$key
<figcaption>1. The key</figcaption>
</figure>
<figure>
$way
<figcaption>2. The way into the pod</figcaption>
</figure>""")
_POD = Template("""\
<h2>The pod, from which the vault comes back</h2>
<p>Address: $url<br>
WebID: $webid
</p>
<pre class="way">
$letters
</pre>
<p>These letters, which the second code holds too, let the vault into the pod; only with the
key above can they be read. On a new computer: <code>twin pod restore</code> with the address
and <code>--recovery-key</code> with this file, or with a file of the key and these letters.</p>
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The pod that a page leads to; `letters` hold the way in, sealed under the page's key."""

    url: str
    webid: str
    letters: str


def recovery_page(key: str, vault: str, made: datetime, pod: Beside | None = None) -> str:
    """Return the page's HTML.

    Args:
        key: The recovery key as it is printed, groups of letters with hyphens.
        vault: The vault's id.
        made: When the key was made, in the owner's time.
        pod: The pod that the vault comes back from.
    """
    codes = _code(key, "h")
    if pod:
        codes = _CODES.substitute(key=codes, way=_code(pod.letters, "m"))
    groups = key.split("-")
    return _PAGE.substitute(
        code=codes,
        scanned="The first code" if pod else "The square code",
        style=_STYLE if pod else "",
        pod=_pod(pod) if pod else "",
        numbers=" ".join(
            f"{'check' if number == len(groups) else number:^{len(group)}}"
            for number, group in enumerate(groups, start=1)
        ),
        key=escape(key),
        made=f"{made:%Y-%m-%d %H:%M}",
        vault=escape(vault),
    )


def _code(text: str, error: str) -> str:
    code = segno.make(text, error=error, micro=False)
    return str(code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None))


def _pod(pod: Beside) -> str:
    return _POD.substitute(
        url=escape(pod.url), webid=escape(pod.webid), letters=escape(pod.letters)
    )
