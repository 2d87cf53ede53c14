"""What each way to change something asks for: a new one has to be written down here.

`proven`: the passphrase, typed just now; for what hands content out, and for what cannot be
taken back. `known`: a browser that is known. `open`: nothing; it only lets in.
"""

WITHOUT_SESSION = ("/enter/", "/health/", "/static/", "/unlock")

DECLARED = {
    "/forget/look": "known",
    "/forget/finish": "known",
    "/forget/{name}": "proven",
    "/integrity/check": "known",
    "/integrity/compare": "known",
    "/integrity/grown": "proven",
    "/integrity/prove": "proven",
    "/integrity/verify": "known",
    "/jobs/{name}/stop": "known",
    "/lock": "known",
    "/unlock": "open",
}
