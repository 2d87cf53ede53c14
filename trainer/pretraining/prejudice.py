"""Whether a text holds the prejudice of its period, or words that wound today.

Old novels call people by names that nobody should learn to say, and pass judgement on whole
peoples. A list of stems and a few turns of phrase find both. The list is broad on purpose: a
paragraph that is lost costs nothing, a word that is learned may be said to somebody.
"""

import re

__all__ = ["prejudiced"]

# Names for peoples, faiths and bodies, as stems at the beginning of a word.
_NAMES = (
    "nigg", "nigr", "negr", "darkey", "darkie", "darky", "pickaninn", "coons?\\b", "kike",
    "sheen(?:y|ies)\\b", "jewboy", "jewess", "chinks?\\b", "chinam[ae]n", "coolie", "dagos?\\b",
    "dagoes", "wops?\\b", "spics?\\b", "wetback", "gook", "japs?\\b", "fagg?(?:ots?|s)?\\b",
    "dykes?\\b", "trann(?:y|ies)", "retard(?:s|ed)?\\b", "cunt", "half-?breed", "half-?caste",
    "mulatt", "quadroon", "octoroon", "redskin", "squaw", "injun", "hottentot", "kaffir",
    "golliwog", "savages?\\b", "heathen", "gyps(?:y|ies)", "gips(?:y|ies)", "blackamoor",
    "blackfellow", "mohammedan", "musulman", "papists?\\b", "orientals?\\b", "asiatics?\\b",
    "mongoloid", "cripple", "imbecil", "half-?wit", "feeble-?minded", "cretin", "lunatics?\\b",
    "hunchback", "dwarfs?\\b", "spinsters?\\b", "old maids?\\b", "slaves?\\b", "slavery",
    "bastards?\\b", "whore", "sluts?\\b", "harlot", "rap(?:ed?|ing|ist)\\b",
)  # fmt: skip
# What is said of whole peoples, of a sex or of a class.
_PHRASES = (
    r"colou?red (?:m[ae]n|wom[ae]n|people|girl|boy|folk|servant|gentlem|lad(?:y|ies))",
    r"(?:white|black|yellow|brown|red) (?:m[ae]n|wom[ae]n|races?|skins?|peoples?|blood)\b",
    r"(?:inferior|superior|lower|primitive|master|degenerate) (?:race|people|breed|orders?|class)",
    r"\b(?:the|a|an|that|this|little|old|dirty|greasy|rich|fat|damned|wretched) jews?\b",
    r"jewish (?:nose|money|type|features?|usurer|pedlar|peddler|banker)",
    r"(?:like|than|of) (?:a|an|any|all) (?:jews?|turks?|arabs?|indians?|negro|irishm[ae]n)\b",
    r"(?:weaker|gentler|fair|inferior) sex\b",
    r"(?:just|so) like (?:a|all) wom[ae]n\b",
    (
        r"wom[ae]n (?:are|is|were|was|have|has|can|could|should|ought|must|never|always) "
        r"(?:all |always |never |not |no |only |such |too |so )?"
        r"(?:fools?|weak|silly|stupid|inferior|brains?|reason|logic|obey|submi|deceit|vain|"
        r"hysteric|unreason|illogic|meant|made|born)"
    ),
    r"wom[ae]n's (?:place|weakness|unreason|logic)",
    r"(?:an?|you|the|little|poor) hysterical (?:wom[ae]n|girl|female)",
    r"\bwomanish|\beffeminate",
    r"\bkill (?:your|my|him|her|them)sel",
    r"\bsuicid",
)
_ANY = re.compile(rf"\b(?:{'|'.join(_NAMES)})|{'|'.join(_PHRASES)}", re.IGNORECASE)


def prejudiced(text: str) -> bool:
    """Tell whether a text holds any of it."""
    return _ANY.search(text) is not None
