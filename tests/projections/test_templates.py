"""What nobody wrote by hand, or wrote once for many, and what somebody did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.templates import skeleton, templated
from vault.items import Item


def mail(text: str, title: str = "", *, own: str | None = None, type_: str = "email") -> Item:
    kind = f"message.{type_}.sent"
    return Item(source="mbox", native_id="1", type=kind, title=title, text=text, text_new=own)


@pytest.mark.parametrize(
    "title",
    [
        "Automatic reply: Budget",
        "Out of Office: back on Monday",
        "Automatische Antwort: Angebot",
        "Abwesenheitsnotiz",
        "Réponse automatique : Réunion",
        "Respuesta automática: Pedido",
        "Risposta automatica: Riunione",
        "Resposta automática: Reunião",
        "Automatisch antwoord: Vergadering",
        "Odpowiedź automatyczna: Spotkanie",
        "Undeliverable: Lunch",
    ],
)
def test_a_title_that_only_programs_write_is_automatic(title):
    assert templated(mail("I am away and will answer on Monday.", title)) == "automatic"


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your e-mail. I am out of the office until 3 May with limited access to my email.",
        "I am on annual leave.\nFor urgent\nmatters please write to my colleagues.",
        "Vielen Dank für Ihre Nachricht. Ich bin im Urlaub, Ihre E-Mail wird nicht weitergeleitet.",
        "Je suis absente du bureau jusqu'au 3 mai. En cas d\u2019urgence, merci d'appeler ma collègue.",
        "Estaré fuera de la oficina hasta el lunes. En caso de urgencia, llame a recepción.",
        "Sono fuori ufficio fino a lunedì. Per urgenze potete chiamare la mia collega.",
        "Estou de férias até segunda. Em caso de urgência, contacte a recepção.",
        "Ik ben met vakantie tot maandag. Bij dringende zaken kunt u mijn collega bellen.",
        "Jestem na urlopie do poniedziałku. W pilnych sprawach proszę dzwonić do biura.",
    ],
)
def test_a_notice_of_absence_is_automatic(text):
    assert templated(mail(text)) == "automatic"


@pytest.mark.parametrize(
    "text",
    [
        "This is an automated message, please do not reply to this email.",
        "Diese E-Mail wurde automatisch erstellt.",
        "Merci de ne pas répondre à ce message.",
        "Este es un mensaje automático.",
        "Si prega di non rispondere a questa e-mail.",
        "Esta é uma mensagem automática.",
        "Dit is een automatisch gegenereerd bericht.",
        "Prosimy nie odpowiadać na tę wiadomość.",
        "Spring sale! Click here to unsubscribe.",
        "Thank you for your order. Order number 2210-4.",
        "Your verification code is 482 913.",
        "G-482913 is your Google verification code.",
    ],
)
def test_what_a_service_writes_is_automatic(text):
    assert templated(mail(text, type_="chat")) == "automatic"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Accepted: Planning", ""),
        ("Zugesagt: Planung", ""),
        ("Accepté : Réunion", ""),
        ("Declined: Planning", "Ada Byron has declined this invitation."),
    ],
)
def test_the_answer_of_a_calendar_is_an_invitation(title, text):
    assert templated(mail(text, title)) == "invitation"


@pytest.mark.parametrize(
    ("title", "text", "own"),
    [
        ("Fwd: Tickets", "FYI\n---------- Forwarded message ---------\nFrom: Bob\n\nHere", "FYI"),
        ("WG: Karten", "Zur Info", None),
        ("", "---------- Forwarded message ---------\nFrom: Bob\n\nHere are the tickets.", None),
        (
            "",
            "Siehe unten\n\nAnfang der weitergeleiteten Nachricht:\n\nHier sind die Karten.",
            None,
        ),
    ],
)
def test_what_was_passed_on_without_own_words_is_a_forward(title, text, own):
    assert templated(mail(text, title, own=own)) == "forward"


@pytest.mark.parametrize(
    "text",
    [
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Enviado do meu iPhone",
        "Verzonden vanaf mijn iPhone",
        "Wysłane z iPhone'a",
    ],
)
def test_the_line_of_a_phone_alone_is_a_signature(text):
    assert templated(mail(text)) == "signature"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "",
            "Thank you for your email. I was out of the office last week, sorry! Yes, let's meet.",
        ),
        ("", "I'm on vacation next week, let's talk when I return."),
        ("Re: Accepted: Planning", "Great that you can come, I'll bring the slides."),
        ("Accepted: Planning", "See you there! I'll bring the slides."),
        ("Fwd: Tickets", "Look what Bob sent me, shall we go together?"),
        ("Out of office party", "Who brings the music?"),
        ("", "How do I unsubscribe from this list? It drives me mad."),
        ("", "Did you get the code for the door? Mine does not work."),
        ("", "Sent from my iPhone, so excuse the typos, but I had to tell you this at once!"),
        ("", "Sent from my balcony, where the sun is shining and I should be working instead."),
        ("", "Thank you for your order of things in the kitchen, I can find the pans again."),
    ],
)
def test_what_somebody_wrote_stays(title, text):
    assert templated(mail(text, title)) == ""


def test_what_somebody_answers_to_a_program_stays():
    whole = "Who are these people?\n\n> This is an automated message."
    assert templated(mail(whole, own="Who are these people?")) == ""


def test_only_messages_can_be_templates():
    note = Item(
        source="text", native_id="1", type="document.note.authored", text="Sent from my iPhone"
    )
    assert templated(note) == ""


def test_other_names_numbers_and_links_make_the_same_skeleton():
    one = "Hi Anna, your place at our table on 3 May is still free, see https://a.example/1 please."
    other = (
        "Hi Tom Brown, your place at our table on 12 June is still free, see www.b.example please!"
    )
    assert skeleton(one) == skeleton(other) != b""
    assert skeleton(one.replace("table", "party")) != skeleton(one)


@pytest.mark.parametrize(
    "text", ["", "Hi Anna, see you at 8!", "Anna Bob Carl Dora 1 2 3 4 5 6 7 8"]
)
def test_a_text_of_few_fixed_words_has_no_skeleton(text):
    assert skeleton(text) == b""


def test_half_a_character_breaks_no_skeleton():
    assert skeleton("half a \ud800 breaks no text of several words")


@given(st.integers(0, 10**9), st.from_regex(r"[A-Z][a-z]{1,9}", fullmatch=True))
def test_a_form_filled_in_with_anything_keeps_its_skeleton(number, name):
    form = "Dear {}, we have received the form numbered {} and will come back to you in a week."
    assert skeleton(form.format(name, number)) == skeleton(form.format("Bob", 7))
