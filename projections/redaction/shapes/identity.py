"""Numbers that authorities, insurers and employers give people, by their form.

The forms are public facts; none of them asks for a valid check digit.
"""

from projections.redaction.kinds import Kind
from projections.redaction.shapes import checks
from projections.redaction.shapes.rules import BARE, LIKELY, POSSIBLE, Rule

__all__ = ["AFTER_DATES", "FIRST", "LETTERED"]

_END = r"(?![\w-])"

FIRST = (
    Rule(
        "ssn",
        Kind.SSN,
        LIKELY,
        rf"[0-9]{{3}}(?P<sep>[ .-])[0-9]{{2}}(?P=sep)[0-9]{{4}}{_END}",
        runs={3},
    ),
)

AFTER_DATES = (
    Rule(
        "file",  # of courts: 12 O 345/21, 2:21-cv-01234
        Kind.ID,
        LIKELY,
        r"[0-9]{1,4} [A-Z][A-Za-z]{0,3} [0-9]{1,6}/[0-9]{2,4}(?!\w)|[0-9]{1,2}:[0-9]{2}-[a-z]{2}-[0-9]{3,6}(?!\w)",
        runs={1, 2, 3, 4},
    ),
    Rule(
        "of_year",
        Kind.ID,
        POSSIBLE,
        # From one full hour to another is a shift: 1900-0700.
        r"(?!(?:19|20)00-(?:[01][0-9]|2[0-3])[03]0(?![0-9]))(?:19|20)[0-9]{2}[-/](?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{3,8}(?![\w-])",
        runs={4},
    ),
    Rule(
        "nir",  # France: sex, year, month, place, order, check
        Kind.SSN,
        LIKELY,
        r"[1-478](?P<nir_sep>[ .]?)[0-9]{2}(?P=nir_sep)[0-9]{2}(?P=nir_sep)(?:[0-9]{2}|2[AB])(?P=nir_sep)"
        r"[0-9]{3}(?P=nir_sep)[0-9]{3}(?P=nir_sep)[0-9]{2}(?!\w)",
        checks.number,
        runs=range(1, 16),
    ),
    Rule(
        "svnr", Kind.SSN, LIKELY, r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}(?!\w)", runs={2, 8}
    ),  # Germany
    Rule(
        "cpf",
        Kind.SSN,
        LIKELY,
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}(?!\w)",
        checks.number,
        runs={3},
    ),
    Rule(
        "cnpj", Kind.ID, LIKELY, r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}(?!\w)", runs={2}
    ),
    Rule(
        "ahv", Kind.SSN, LIKELY, r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}(?!\w)", runs={3, 13}
    ),
    Rule(
        "rijk", Kind.SSN, LIKELY, r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}(?!\w)", runs={2}
    ),
    Rule(
        "nip",
        Kind.ID,
        LIKELY,
        r"[0-9]{3}-(?:[0-9]{3}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2}-[0-9]{3})(?!\w)",
        checks.number,
        runs={3},
    ),
    Rule(
        "nordic",
        Kind.SSN,
        POSSIBLE,
        r"(?:[0-9]{2})?[0-9]{6}[-+A][0-9]{3}[0-9A-Z](?!\w)",
        runs={6, 8},
    ),
    Rule("nuss", Kind.SSN, POSSIBLE, r"[0-9]{2}[/ ][0-9]{8}[/ ][0-9]{2}(?!\w)", runs={2}),
    Rule(
        "aadhaar",
        Kind.SSN,
        POSSIBLE,
        r"[0-9]{4}(?P<sep>[ -])[0-9]{4}(?P=sep)[0-9]{4}(?![\w-])",
        checks.number,
        runs={4},
    ),
    Rule(
        "steuer",
        Kind.SSN,
        POSSIBLE,
        r"[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}(?!\w)",
        checks.number,
        runs={2},
    ),
    Rule("finanzamt", Kind.ID, POSSIBLE, r"[0-9]{2,3}/[0-9]{3,4}/[0-9]{4,5}(?!\w)", runs={2, 3}),
    Rule("ein", Kind.ID, POSSIBLE, r"[0-9]{2}-[0-9]{7}(?![\w-])", runs={2}),
    Rule(
        "dni",
        Kind.SSN,
        LIKELY,
        r"[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}[- ]?[A-HJ-NP-TV-Z](?!\w)",
        checks.with_letter,
        runs={1, 2, 7, 8},
    ),
    Rule("cc", Kind.ID, POSSIBLE, r"[0-9]{8} ?[0-9] ?[A-Z]{2}[0-9](?!\w)", runs={8, 9}),  # Portugal
    Rule(
        "iberian", Kind.ID, BARE, r"[0-9]{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}(?!\w)", runs={4}
    ),  # Spanish plate
    Rule("dutch", Kind.ID, POSSIBLE, r"[0-9]{1,2}-[A-Z]{2,3}-[0-9]{1,2}(?!\w)", runs={1, 2}),
    Rule(
        "hyphens",
        Kind.ID,
        BARE,
        r"[0-9]{1,6}(?:-[0-9]{1,8}){1,3}-[0-9]{2,8}(?!\w)",
        runs=range(1, 7),
    ),
    Rule(
        "uuid",
        Kind.ID,
        LIKELY,
        r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?!\w)",
        runs=range(1, 9),
    ),
    Rule(
        "hash",
        Kind.SECRET,
        POSSIBLE,
        r"(?=[0-9]{0,30}[a-fA-F])(?:[0-9a-f]{24,128}|[0-9A-F]{24,128})(?!\w)",
        runs=range(1, 32),
    ),
    Rule(
        "mixed",
        Kind.ID,
        BARE,
        r"(?=(?:[A-Z-]{0,12}[0-9]){4})[0-9]{1,9}-?[A-Z][A-Z0-9-]{3,24}(?!\w)",
        runs=range(1, 10),
    ),
)

# What is numbered without meaning anybody: standards, works, models.
_STANDARDS = r"(?!(?:ISO|RFC|DIN|EN|IEEE|IEC|ANSI|UTF|SHA|MD|CVE|PEP|HTTP|ASCII|USB|MP|COVID|SARS|GPT|WW|PM)[-_ ]?[0-9])"

_NO_MONEY = r"(?!(?:USD|EUR|GBP|CHF|PLN|CAD|AUD|JPY|NOK|SEK|DKK|CZK|BRL|INR|ISO|RFC|DIN|CPT|ICD|THE|AND|FOR)[ -])"
LETTERED = (
    Rule("crossed", Kind.SSN, POSSIBLE, r"[xX]{2,12}[- ]?(?:[xX]{2,4}[- ]?){0,3}[0-9]{2,4}(?!\w)"),
    Rule(
        "nino",
        Kind.SSN,
        LIKELY,
        rf"[A-Z]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[A-D]{_END}",
    ),
    Rule(
        "codice",  # Italy: surname, name, birth, place, check
        Kind.SSN,
        LIKELY,
        r"(?i:[A-Z]{3} ?[A-Z]{3} ?[0-9]{2}[A-EHLMPRST][0-9]{2} ?[A-Z][0-9]{3}[A-Z])(?!\w)",
    ),
    Rule("curp", Kind.SSN, LIKELY, r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[A-Z0-9][0-9](?!\w)"),
    Rule("nie", Kind.SSN, LIKELY, r"[XYZ]-?[0-9]{7}-?[A-Z](?!\w)", checks.with_letter),
    Rule("pan", Kind.SSN, LIKELY, r"[A-Z]{5}[0-9]{4}[A-Z](?!\w)"),
    Rule(
        "postcode",
        Kind.ADDRESS,
        LIKELY,
        r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}(?!\w)|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9](?!\w)",
    ),
    Rule("plate_uk", Kind.ID, POSSIBLE, r"[A-Z]{2}[0-9]{2} ?[A-Z]{3}(?![\w-])"),
    Rule("plate_fr", Kind.ID, POSSIBLE, r"[A-Z]{2}[ -]?[0-9]{3}[ -]?[A-Z]{2}(?![\w-])"),
    Rule(
        "plate_de",
        Kind.ID,
        BARE,
        r"[A-Z]{1,3}[-:][A-Z]{1,2}[ -]?[0-9]{1,4}[EH]?(?![\w-])|[A-Z]{1,3} [A-Z]{1,2} [0-9]{2,4}[EH]?(?![\w-])",
    ),
    Rule(
        "plate_nl",
        Kind.ID,
        POSSIBLE,
        r"[A-Z]{1,3}-[0-9]{2,3}-[A-Z]{1,2}(?![\w-])|[A-Z]{2}-[0-9]{2}-[0-9]{2}(?![\w-])",
    ),
    Rule(
        "plate_us",
        Kind.ID,
        BARE,
        rf"{_NO_MONEY}(?:[A-Z]{{3}}[ -][0-9]{{4}}|[A-Z]{{2,3}} [0-9]{{5}})(?![\w-])",
    ),
    Rule(
        "uuid_",
        Kind.ID,
        LIKELY,
        r"[a-fA-F][0-9a-fA-F]{7}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?!\w)",
    ),
    Rule("hash_", Kind.SECRET, POSSIBLE, r"(?:[0-9a-f]{24,128}|[0-9A-F]{24,128})(?!\w)"),
    Rule("vin", Kind.ID, LIKELY, r"[A-HJ-NPR-Z0-9]{17}(?!\w)"),
    Rule(
        "prefixed",
        Kind.ID,
        POSSIBLE,
        rf"{_STANDARDS}(?:[A-Z]{{2,6}}(?=(?:[A-Z0-9#_:/-]{{0,12}}[0-9]){{3}})|[A-Z](?=(?:[A-Z#_:/-]{{0,6}}[0-9]){{5}}))"
        r"(?:[-#_:/]{1,2}|(?=[0-9]{5}))(?:[A-Z0-9]{1,12}[-/_]){0,4}(?=[A-Za-z-]{0,6}[0-9])[A-Za-z0-9]{2,24}"
        r"(?:-[A-Za-z0-9]{1,12}){0,4}(?!\w)",
    ),
    Rule(
        "coded",
        Kind.ID,
        POSSIBLE,
        rf"{_STANDARDS}[A-Z]{{1,6}}(?=(?:[A-Z-]{{0,6}}[0-9]){{3}})(?=[A-Z0-9-]{{5}})(?:[A-Z0-9]|-(?=[A-Z0-9])){{4,30}}(?!\w)",
    ),
    Rule(
        "named",
        Kind.HANDLE,
        BARE,
        r"(?!base|utf|covid|windows|sha|arm|intel|python|html)[a-z][a-z._]{3,24}[0-9]{2,6}(?![\w-]|\.[0-9])",
    ),
    Rule(
        "sectioned", Kind.ID, POSSIBLE, r"[A-Z]{1,4}[0-9]{1,6}(?:[-/.][A-Z]?[0-9]{2,10}){1,3}(?!\w)"
    ),
)
