"""How a text is written, by its own signs, in eight languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.style import Style, style_of

TEXTS = {
    Style.STRUCTURED: [
        "# Trip\n\nWe leave early.",
        "To buy:\n- milk\n- bread\n- soap",
        "1. soak\n2. rinse\n3. boil\nand that is all.",
        "Run this:\n```\nmake all\n```",
        "| a | b |\n| 1 | 2 |",
        "Notes\n=====\nthe pier is closed",
    ],
    Style.FORMAL: [
        "Dear Ms Hall,\nthe keys are at the desk.",
        "Sehr geehrte Frau Behrens, die Schlüssel liegen bereit.",
        "Madame, les clés sont à l'accueil.",
        "Estimada señora, las llaves están en recepción.",
        "Gentile dottoressa, le chiavi sono in portineria.",
        "Prezada senhora, as chaves estão na receção.",
        "Geachte mevrouw, de sleutels liggen klaar.",
        "Szanowna Pani, klucze są w recepcji.",
        "The keys are here.\n\nKind regards\nAda",
        "Die Schlüssel sind da.\nMit freundlichen Grüßen",
        (
            "The committee, having heard all parties and weighed the evidence that was put before it, "
            "has come to the conclusion that the harbour wall must be rebuilt before the winter "
            "storms make any work on it impossible."
        ),
    ],
    Style.EXPRESSIVE: [
        "we won!! we won!!",
        "nooooo not again",
        "you said that about the DOG? NOT FUNNY",
        "third place 🎉",
        "see you :)",
    ],
    Style.TERSE: ["Yes.", "on my way", "Bin gleich da.", "d'accord", "no lo sé"],
    Style.CASUAL: [
        "i left the key with the woman from the shop, ask her",
        "The boat leaves at nine so come before that",
        "ich hab den schlüssel im laden gelassen, frag da mal nach",
        "j'ai laissé la clé au magasin, demande à la dame",
        "he dejado la llave en la tienda, pregunta allí",
        "ho lasciato la chiave in negozio, chiedi lì",
        "deixei a chave na loja, pergunta à senhora",
        "ik heb de sleutel in de winkel gelaten, vraag daar maar",
        "zostawiłam klucz w sklepie, zapytaj tej pani",
        "i left the key there. ask the woman from the shop.",
        "Yeah, I left it with the woman from the shop.",
    ],
    Style.PLAIN: [
        "I left the key with the woman from the shop. Ask her.",
        "Ich habe den Schlüssel im Laden gelassen. Frag dort nach.",
        "J'ai laissé la clé au magasin. Demande à la dame.",
        "He dejado la llave en la tienda. ¿Puedes preguntar allí?",
        "Ho lasciato la chiave in negozio. Chiedi lì.",
        "Deixei a chave na loja. Pergunta à senhora.",
        "Ik heb de sleutel in de winkel gelaten. Vraag daar maar.",
        "Zostawiłam klucz w sklepie. Zapytaj tej pani.",
    ],
}


@pytest.mark.parametrize(("style", "text"), [(s, t) for s, ts in TEXTS.items() for t in ts])
def test_a_text_is_known_by_its_signs(style, text):
    assert style_of(text) is style


@pytest.mark.parametrize(
    "text", ["Dear me, that was close, was it not?", "Dear diary, it rained all day again."]
)
def test_not_all_that_is_dear_opens_a_letter(text):
    assert style_of(text) is Style.PLAIN


def test_a_quoted_sentence_begins_with_its_first_letter():
    assert style_of('"I will go." "Then go, and do not come back."') is Style.PLAIN


def test_one_loud_sign_in_a_long_text_does_not_make_it_expressive():
    sentence = "The harbour was grey and the boats lay still in the rain. "
    assert style_of(sentence * 5 + "What a day!!") is Style.PLAIN


def test_a_single_line_of_a_list_is_no_list():
    assert style_of("We need one thing more.\n- milk for the morning.") is Style.PLAIN


@given(st.text())
def test_every_text_has_one_style_and_white_space_around_it_changes_none(text):
    assert style_of(f"\n {text}\t") is style_of(text)


def test_what_comes_late_in_a_long_text_is_not_read():
    sentence = "The harbour was grey and the boats lay still in the rain. "
    assert style_of(sentence * 50) is style_of(sentence * 50 + "\n- a\n- b\n- c")
