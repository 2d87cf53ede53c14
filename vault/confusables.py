# ruff: noqa: RUF001 - to be mistaken for others is what these characters are here for
"""Characters that pass for Latin letters, digits and signs without being any.

What Unicode's own data say is derived from it: digits of every script, letters whose name
says LATIN or SMALL CAPITAL, letters in squares and circles. The rest is a hand-made table of
facts that are also in the confusables of Unicode Technical Standard 39; accents and width
are left to compatibility decomposition.
"""

import re
import unicodedata
from functools import cache

__all__ = ["passes_for"]

_CYRILLIC = (
    "аa бb вb гr еe зs іi їi јj кk мm нh оo пn рp сc тt уy хx ѕs ѡw һh ԁd ԛq ԝw ӏl ѵv ѳo ҽe ғf қk ңh "
    "АA ВB ЕE ЅS ІI ЇI ЈJ КK МM НH ОO РP СC ТT УY ХX ҺH ԌG ԚQ ԜW ӀI ѴV ЬB ҮY ҒF ҚK ҢH Ϲc"
)
_GREEK = (
    "αa βb γy εe ηn ιi κk νv οo ρp ςc σo τt υu χx ωw ϲc ϳj ϱp "
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΣE ΤT ΥY ΧX ϹC ͿJ ϒY"
)
_OTHERS = (
    # Armenian, Hebrew, Cherokee, Lisu, Coptic, Georgian: letters drawn like Latin ones.
    "աw գq զq եt հh յj նu ոn ռn սu ցg օo ևu ԱU ՍU ՏS ՕO ԼL ՀZ ՈN "
    "סo וl ןl "
    "ᎠD ᎡR ᎢT ᎥI ᎩY ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᎽY ᏀG ᏂH ᏃZ ᏎS ᏏB ᏔW ᏕS ᏙV ᏚS ᏞL ᏟC ᏢP ᏦK ᏧD ᏴB ᏳG "
    "ꓐB ꓑP ꓒD ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU "
    "ⲀA ⲂB ⲎH ⲒI ⲔK ⲘM ⲚN ⲞO ⲢP ⲤC ⲦT ⲨY ⲬX ⲟo ⲣp ⲥc ⲭx ოo "
    # Letters of phonetics and mathematics without a decomposition.
    "ɑa ɡg ɩi ɪi ʋv ʏy ʀr ʜh ʟl ℓl ℮e ∂d ∅o ∧v ⍺a ⍵w ƿp þp ÞP ʃs ſs ƨs ɾr ɴn ɢg ʙb ǃ! øo ØO "
    # Signs.
    '‐- ‑- ‒- –- −- ⁃- ➖- ˗- ∶: ː: ⁄/ ∕/ ⧸/ ٠0 ‚, ٫. ٬, ۔. 。. “" ”" „" ‟" «" »" ″" ′\' ʼ\' ʹ\' `` ´\' ʻ\' ‛\''
)


def _table(*pairs: str) -> dict[str, str]:
    return {pair[0]: pair[1] for text in pairs for pair in text.split()}


_BY_HAND = _table(_CYRILLIC, _GREEK, _OTHERS)
_NAMED = re.compile(
    r"(?:LATIN (CAPITAL|SMALL) LETTER|"
    r"(?:NEGATIVE |CROSSED NEGATIVE )?(?:CIRCLED|SQUARED) LATIN (CAPITAL|SMALL) LETTER|"
    r"LATIN (LETTER SMALL CAPITAL|SUBSCRIPT SMALL LETTER)|LATIN (SMALL) LETTER SCRIPT|"
    r"LATIN (SMALL) LETTER DOTLESS) ([A-Z])(?: WITH .{1,60})?"
)


@cache
def passes_for(character: str) -> str:
    """Return the ASCII character that one of another kind passes for, or nothing."""
    if character in _BY_HAND:
        return _BY_HAND[character]
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    named = _NAMED.fullmatch(unicodedata.name(character, ""))
    if named is None:
        return ""
    letter = named[6]
    return letter if "CAPITAL" in named.groups() else letter.lower()
