import time

import pytest

from vault.collectors.readers.mail.text import html_text, own_words


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("just this", None),
        ("a -- b\nfrom: me", None),
        ("hi\n\n-- \nAda\nExample Corp", "hi"),
        ("hi\n--\nAda", "hi"),
        ("yes\n\nOn Monday, Ada wrote:\n> no\n> maybe", "yes"),
        ("yes\n\nOn Mon, 2 Jan 2012,\nAda Lovelace <a@b.example> wrote:\n\n> no", "yes"),
        ("ja\n\nAm 02.01.12 um 15:04 schrieb Ada:\n> nein", "ja"),
        ("oui\n\nLe lun. 2 janv. 2012, Ada a écrit :\n> non", "oui"),
        ("> one\nyes\n> two\nno", "yes\nno"),
        ("On X, Y wrote:\n> one\nmy answer\n> two\nmy other answer", "my answer\nmy other answer"),
        ("fine\n\n-----Original Message-----\nFrom: x\nSent: today\nhello", "fine"),
        ("gut\n\nVon: Ada\nGesendet: heute\nAn: mich\nBetreff: x\n\nhallo", "gut"),
        ("ok\n________________________________\nFrom: x\nSent: today\n\nhello", "ok"),
        ("ok\n\nSent from my iPhone", "ok"),
        ("> only a quotation", ""),
    ],
)
def test_own_words_stand_without_quotation_and_signature(text, own):
    assert own_words(text) == own


# One announcement, one rule of a message passed on and one signature for each language.
@pytest.mark.parametrize(
    "around",
    [
        "On Mon, Jan 2, 2012 at 3:04 PM Ada Lovelace <a@b.example> wrote:\n\n> x",
        "Am Mo., 2. Jan. 2012 um 15:04 Uhr schrieb Ada <a@b.example>:\n\n> x",
        "Le lun. 2 janv. 2012 à 15:04, Ada <a@b.example> a écrit :\n\n> x",
        "El lun, 2 ene 2012 a las 15:04, Ada (<a@b.example>) escribió:\n\n> x",
        "Il giorno lun 2 gen 2012 alle ore 15:04 Ada <a@b.example> ha\nscritto:\n\n> x",
        "Em seg., 2 de jan. de 2012 às 15:04, Ada <a@b.example> escreveu:\n\n> x",
        "Ada <a@b.example> escreveu (segunda, 2/01/2012 à(s) 15:04):\n\n> x",
        "Op ma 2 jan 2012 om 15:04 schreef Ada <a@b.example>:\n\n> x",
        "Op 2-1-2012 om 15:04 heeft Ada <a@b.example> geschreven:\n> x",
        "pon., 2 sty 2012 o 15:04 Ada <a@b.example> napisał(a):\n\n> x",
        "W dniu 2.01.2012 o 15:04, Ada pisze:\n> x",
        "Dnia 2 stycznia 2012 „Ada” <a@b.example> napisał:\n> x",
        "---------- Forwarded message ---------\nVon: Ada <a@b.example>\nDate: Mo.\n\nx",
        "-------- Weitergeleitete Nachricht --------\nBetreff: x\nDatum: heute\n\nx",
        "-------- Message transféré --------\nSujet : x\nDate : x\n\nx",
        "-----Message d'origine-----\nDe : Ada\nEnvoyé : lundi\n\nx",
        "---------- Mensaje reenviado ----------\nDe: Ada\n\nx",
        "-------- Messaggio Inoltrato --------\nOggetto: x\n\nx",
        "-----Messaggio originale-----\nDa: Ada\n\nx",
        "-------- Mensagem encaminhada --------\nAssunto: x\n\nx",
        "-----Mensagem original-----\nDe: Ada\n\nx",
        "-------- Doorgestuurd bericht --------\nOnderwerp: x\n\nx",
        "-----Oorspronkelijk bericht-----\nVan: Ada\n\nx",
        "-------- Przekazana wiadomość --------\nTemat: x\n\nx",
        "-----Wiadomość oryginalna-----\nOd: Ada\n\nx",
        "From: Ada <a@b.example>\nSent: Monday\nTo: Bob\n\nx",
        "De : Ada\nEnvoyé : lundi\nÀ : Bob\nObjet : x\n\nx",
        "De: Ada\nEnviado el: lunes\nPara: Bob\nAsunto: x\n\nx",
        "Da: Ada\nInviato: lunedì\nA: Bob\nOggetto: x\n\nx",
        "De: Ada\nEnviada em: segunda\nPara: Bob\n\nx",
        "Van: Ada\nVerzonden: maandag\nAan: Bob\n\nx",
        "Od: Ada\nWysłane: poniedziałek\nDo: Bob\nTemat: x\n\nx",
        "Anfang der weitergeleiteten Nachricht:\n\nVon: Ada\n\nx",
        "Début du message réexpédié :\n\nDe: Ada\n\nx",
        "Początek przekazywanej wiadomości:\n\nx",
        "Enviado do meu iPhone",
        "Verstuurd vanaf mijn iPad",
        "Wysłane z iPhone'a",
    ],
)
def test_what_programs_write_in_eight_languages_is_no_word_of_the_author(around):
    assert own_words(f"Mine.\n\n{around}\n") == "Mine."
    assert own_words(f"Mine, and {around.partition(chr(10))[0]}\n") is None


def test_a_line_that_only_begins_like_a_header_ends_nothing():
    assert own_words("From: the beginning\nI liked it.\nReally.\n") is None


@pytest.mark.parametrize(
    "hostile",
    [
        "\n> x" * 100_000,
        "\n-" * 100_000,
        "On " + "a " * 200_000 + "\nwrote:\n> x",
        "-" * 400_000,
        "\nFrom: x" * 50_000,
        "\nSent from my " * 30_000,
        "\nOn x wrote:\n> a" * 30_000,
        " " * 400_000 + ">",
    ],
)
def test_hostile_text_costs_no_more_than_its_length(hostile):
    began = time.process_time()
    own_words(hostile)
    assert time.process_time() - began < 2


def test_html_becomes_the_lines_that_a_reader_sees():
    whole, unquoted = html_text(
        "<html><head><title>T</title><style>p{color:red}</style></head><body>\n<h1>Dear\nAda</h1>"
        "<p>one <b>bold</b> word<br>next</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul></body></html>"
    )
    assert whole == "Dear Ada\none bold word\nnext\na\nb"
    assert unquoted is None


def test_quotations_in_html_are_told_apart():
    whole, unquoted = html_text(
        "<p>yes</p><div class=gmail_quote>On x<blockquote>no</blockquote></div>"
    )
    assert "no" in whole
    assert unquoted == "yes"


def test_html_of_unclosed_tags_costs_no_more_than_its_length():
    began = time.process_time()
    html_text("<br " * 50_000)
    html_text("</p" * 50_000)
    assert time.process_time() - began < 4
