"""The recovery page: the recovery key on one sheet to print, with a code to scan.

The file stands alone: no script, no font, no picture and no address outside it. It prints
in black on one A4 or Letter page. The code holds the key as printed and nothing else, with
the strongest error correction that QR codes have.
"""

from datetime import datetime
from html import escape
from string import Template

import segno

__all__ = ["recovery_page"]

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
</style>
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
<h2>Now</h2>
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
<p>The square code holds the same letters for a scanner; scan it with a device that you
trust, and with no app that sends away what it reads.</p>
<h2>When somebody else may have seen this page</h2>
<p>Run <code>twin keys recovery</code>: it writes a new page, and this one opens the vault no
more. Copies and backups of the vault that were made before are opened by it still.</p>
</body>
</html>
""")


def recovery_page(key: str, vault: str, made: datetime) -> str:
    """Return the page's HTML.

    Args:
        key: The recovery key as it is printed, groups of letters with hyphens.
        vault: The vault's id.
        made: When the key was made, in the owner's time.
    """
    code = segno.make(key, error="h", micro=False)
    groups = key.split("-")
    return _PAGE.substitute(
        code=code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None),
        numbers=" ".join(
            f"{'check' if number == len(groups) else number:^{len(group)}}"
            for number, group in enumerate(groups, start=1)
        ),
        key=escape(key),
        made=f"{made:%Y-%m-%d %H:%M}",
        vault=escape(vault),
    )
