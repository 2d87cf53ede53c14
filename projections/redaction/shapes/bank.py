"""Cards, accounts, and addresses of cryptocurrencies."""

from projections.redaction.kinds import Kind
from projections.redaction.shapes import checks
from projections.redaction.shapes.rules import BARE, LIKELY, POSSIBLE, Rule

__all__ = ["AFTER_DATES", "FIRST", "LETTERED"]

FIRST = (
    Rule(
        "card",
        Kind.CARD,
        LIKELY,
        r"[0-9]{4}(?P<sep>[ .-]?)[0-9]{4}(?P=sep)[0-9]{4}(?P=sep)[0-9]{4}(?:(?P=sep)[0-9]{1,3})?(?![\w])(?!-[0-9])"
        r"|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}(?!\w)|3[068][0-9]{2}[ -][0-9]{6}[ -][0-9]{4}(?!\w)",
        checks.card,
        runs={4, 14, 15, 16, 17, 18, 19},
    ),
)

AFTER_DATES = (
    Rule("long", Kind.CARD, POSSIBLE, r"[0-9]{12,19}(?![\w])", checks.card, runs=range(12, 20)),
    Rule("sort", Kind.BANK, POSSIBLE, r"[0-9]{2}-[0-9]{2}-[0-9]{2}(?![\w-])", runs={2}),
    Rule("blz", Kind.BANK, BARE, r"[1-8][0-9]{2} [0-9]{3} [0-9]{2}(?![\w-])", runs={3}),
    Rule("coin", Kind.BANK, LIKELY, r"[13][a-km-zA-HJ-NP-Z1-9]{25,34}(?!\w)", runs=range(1, 12)),
    Rule("ether", Kind.BANK, LIKELY, r"0[xX][0-9a-fA-F]{40}(?!\w)", runs={1}),
)

LETTERED = (
    Rule(
        "iban",
        Kind.BANK,
        LIKELY,
        r"[A-Za-z]{2}[0-9]{2}(?:(?P<sep>[ .-]?)[A-Z0-9]{4}(?:(?P=sep)[A-Z0-9]{4}){1,6}(?:(?P=sep)[A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
        r"|[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?(?![A-Za-z0-9])",
        checks.iban,
    ),
    Rule(
        "bic",
        Kind.BANK,
        POSSIBLE,
        r"[A-Z]{4}(?:A[DETU]|B[EGRY]|C[AHLNYZ]|D[EK]|E[ES]|F[IR]|G[BIR]|H[KRU]|I[ENST]|JP|L[ITUV]|M[CTX]|N[LOZ]|P[LT]|R[OSU]|S[AEGIKM]|T[R]|U[AS])"
        r"[A-Z2-9][0-9A-NP-Z](?:[0-9A-Z]{3})?(?!\w)",
    ),
    Rule("bech", Kind.BANK, LIKELY, r"(?:bc1|tb1|ltc1|addr1)[a-z0-9]{25,100}(?!\w)"),
    Rule("base", Kind.BANK, LIKELY, r"[LMDTXr][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)"),
)
