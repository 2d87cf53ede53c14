"""Words that a program put together, that were only passed on, or that many people got.

Phrases are those that mail programs, calendars, phones and services write by themselves, in
eight languages. What a person might type as well needs a title that no one types, a second
phrase, or nothing beside it; in doubt a text stays. Only messages are looked at.
"""

import re
from hashlib import blake2b

from vault.items import Item

__all__ = ["MOST_ALIKE", "TEMPLATES", "skeleton", "templated"]

TEMPLATES = "1"
"""Version of what is a template, and of skeletons; a change rebuilds whoever stores them."""

MOST_ALIKE = 3
"""How many rows of one skeleton are learned: those with the smallest keys."""

_READ = 4000  # characters; programs say early what they are
_FORM = 8  # words; fewer in common are how somebody speaks, no form that was filled in
_FEW = 3  # own words above a forwarded message: "for your information"
_SHORT = 40  # words around a code


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(
        " ".join(phrase.split()) for phrase in text.replace("\n", "|").split("|") if phrase.strip()
    )


# Titles, by how they begin. All is compared in lower case, spaces collapsed.
_REPLIED = _phrases("""
    automatic reply | auto reply: | auto-reply: | autoreply: | out of office: | out of office autoreply
    automatische antwort | abwesenheitsnotiz | abwesenheitsmeldung | réponse automatique
    absence du bureau : | absence du bureau: | respuesta automática | fuera de la oficina:
    risposta automatica | fuori sede: | fuori ufficio: | resposta automática | fora do escritório:
    automatisch antwoord | afwezigheidsbericht | afwezig: | odpowiedź automatyczna
    automatyczna odpowiedź | autoodpowiedź | delivery status notification | undeliverable:
    undelivered mail | mail delivery failed | returned mail: | failure notice | unzustellbar:
    non remis : | non remis: | no se puede entregar: | non recapitabile: | onbestelbaar:
    niedostarczalne:
""")
_ANSWERED = _phrases("""
    accepted: | declined: | tentative: | tentatively accepted: | canceled: | cancelled: | invitation:
    updated invitation: | new time proposed: | zugesagt: | abgelehnt: | mit vorbehalt: | abgesagt:
    einladung: | aktualisierte einladung: | accepté : | accepté: | refusé : | refusé: | provisoire :
    annulé : | annulé: | aceptado: | aceptada: | rechazado: | rechazada: | provisional: | cancelado:
    cancelada: | invitación: | accettato: | rifiutato: | provvisorio: | annullato: | invito: | aceite:
    aceito: | aceita: | recusado: | recusada: | provisório: | convite: | geaccepteerd: | geweigerd:
    afgewezen: | voorlopig: | geannuleerd: | uitnodiging: | zaakceptowane: | zaakceptowano: | odrzucone:
    odrzucono: | wstępnie: | anulowano: | zaproszenie:
""")
_FORWARDED = _phrases("fwd: | fw: | wg: | tr: | tr : | rv: | enc: | i: | doorst: | pd:")

# What stands in the text.
_CALENDAR = _phrases("""
    has accepted this invitation | has declined this invitation | has tentatively accepted
    hat diese einladung | a accepté cette invitation | a refusé cette invitation
    ha aceptado esta invitación | ha accettato questo invito | aceitou este convite
    heeft deze uitnodiging | invitation from google calendar | einladung von google kalender
    calendar.google.com | join the meeting now | join microsoft teams meeting | join zoom meeting
    teams.microsoft.com/l/meetup | an der besprechung teilnehmen | begin:vcalendar
""")
_PASSED_ON = _phrases("""
    forwarded message | begin forwarded message | weitergeleitete nachricht
    anfang der weitergeleiteten nachricht | message transféré | début du message transféré
    mensaje reenviado | inicio del mensaje reenviado | messaggio inoltrato
    inizio messaggio inoltrato | mensagem encaminhada | início da mensagem encaminhada
    doorgestuurd bericht | begin doorgestuurd bericht | przekazana wiadomość
""")
_AWAY = _phrases("""
    out of office | out of the office | on annual leave | on vacation | on holiday | on parental leave
    nicht im büro | nicht im haus | im urlaub | abwesend | außer haus | absent du bureau | absente du bureau
    absent jusqu | absente jusqu | en congé | fuera de la oficina | de vacaciones | ausente | fuori sede
    fuori ufficio | in ferie | assente | fora do escritório | de férias | afwezig | niet op kantoor
    met vakantie | poza biurem | nieobecn | na urlopie
""")
_THANKS = _phrases("""
    thank you for your email | thank you for your message | thanks for your email
    thanks for your message | dank für ihre nachricht | dank für deine nachricht
    dank für ihre email | dank für deine email | merci pour votre message | merci de votre message
    gracias por su mensaje | gracias por tu mensaje | gracias por su correo | grazie per il messaggio
    grazie per il suo messaggio | grazie per la sua email | obrigado pela sua mensagem
    obrigada pela sua mensagem | obrigado pelo seu email | bedankt voor uw bericht
    bedankt voor je bericht | dank voor uw bericht | dziękuję za wiadomość
""")
_RETURN = _phrases("""
    limited access to my email | limited access to email | limited email access | upon my return
    when i return | on my return | nicht weitergeleitet | nach meiner rückkehr
    keinen zugriff auf meine | eingeschränkten zugriff | à mon retour | accès limité à
    acceso limitado a | a mi regreso | a mi vuelta | al mio rientro | al mio ritorno
    accesso limitato alla | no meu regresso | ao meu retorno | acesso limitado ao
    na mijn terugkeer | bij terugkomst | beperkt toegang tot | beperkte toegang tot
    po powrocie | ograniczony dostęp do
""")
_URGENT = _phrases("""
    for urgent matters | for urgent requests | in urgent cases | if your matter is urgent
    in dringenden fällen | in dringenden angelegenheiten | en cas d'urgence | pour toute urgence
    en caso de urgencia | para asuntos urgentes | per urgenze | per questioni urgenti
    in caso di urgenza | em caso de urgência | para assuntos urgentes | bij dringende zaken
    in dringende gevallen | voor dringende zaken | w pilnych sprawach | w sprawach pilnych
""")
_MACHINE = _phrases("""
    do not reply to this email | do not reply to this message | do not respond to this email
    this is an automated message | this is an automated email | this is an automatic reply
    this is an automatic message | this email was automatically generated | this message was automatically
    this is an automatically generated | this is an auto-generated
    diese email wurde automatisch | diese nachricht wurde automatisch | dies ist eine automatische
    dies ist eine automatisch | antworten sie nicht auf diese | auf diese email nicht antworten
    ne pas répondre à ce | ne répondez pas à ce | message automatique | envoyé automatiquement, merci
    no responda a este | no responder a este | este es un mensaje automático | mensaje generado automáticamente
    non rispondere a quest | questo è un messaggio automatico | messaggio generato automaticamente
    não responda a est | não responder a est | esta é uma mensagem automática | mensagem gerada automaticamente
    dit is een automatisch | niet op deze email antwoorden | niet te antwoorden op | geen antwoord op deze
    prosimy nie odpowiadać na | wiadomość wygenerowana automatycznie | wiadomość została wygenerowana
    click here to unsubscribe | unsubscribe here | to unsubscribe, | to unsubscribe from this
    you received this email because | you are receiving this email because | view this email in your browser
    view in browser | newsletter abbestellen | newsletter abzubestellen | vom newsletter abmelden
    im browser ansehen | pour vous désabonner | pour vous désinscrire | lien de désinscription
    darse de baja de esta | si no desea recibir más | para cancelar su suscripción | annulla l'iscrizione
    annullare l'iscrizione | cancelar a subscrição | cancelar a assinatura | uitschrijven voor deze
    afmelden voor deze | aby wypisać się | wypisz się z
""")
_BOUGHT = _phrases("""
    thank you for your order | thank you for your purchase | thanks for your order | danke für ihre bestellung
    dank für ihre bestellung | dank für deine bestellung | merci pour votre commande | merci de votre commande
    gracias por su compra | gracias por tu compra | gracias por tu pedido | grazie per il tuo ordine
    grazie per il suo ordine | obrigado pela sua compra | obrigado pela sua encomenda | bedankt voor je bestelling
    bedankt voor uw bestelling | dziękujemy za zamówienie | dziękujemy za zakup
""")
_ORDER = _phrases("""
    order number | order #| order no | invoice | receipt | bestellnummer | rechnung | numéro de commande
    n° de commande | número de pedido | número de la compra | numero d'ordine | número da encomenda
    bestelnummer | factuur | numer zamówienia
""")
_PHONE = _phrases("""
    sent from my iphone | sent from my ipad | sent from my samsung | sent from my mobile
    sent from my phone | sent from my android | sent from my galaxy | sent from my blackberry
    sent from my huawei | sent from outlook | sent from mail for | sent from yahoo
    sent with proton | get outlook for | von meinem iphone | von meinem ipad | von meinem samsung
    von meinem handy | von meinem smartphone | gesendet von mail für | gesendet von outlook
    gesendet mit der | outlook für ios | outlook für android | diese nachricht wurde von meinem
    envoyé de mon | envoyé depuis mon | enviado desde mi | enviado do meu | enviado a partir do meu
    inviato da iphone | inviato da outlook | inviato dal mio | verzonden vanaf mijn
    verstuurd vanaf mijn | wysłane z iphone | wysłane z mojego | wysłano z iphone
""")
_CODE = re.compile(
    r"(?:(?:verification|security|confirmation|login|one-time|bestätigungs|sicherheits|verificatie)[ -]?code|"
    r"code de (?:vérification|sécurité|confirmation)|código de (?:verifica|segur|confirma)\w{2,6}|"
    r"codice di (?:verifica|sicurezza|conferma)|kod weryfikacyjny)[^\n]{0,60}?\b\d[\d -]{3,8}\b|"
    r"\b(?:g-)?\d{4,8} (?:is your|ist ihr|ist dein|est votre|es tu|es su|è il tuo|é o seu|is je|to twój)\b"
)
_CODES = ("code", "códi", "codice", "kod ", "g-")

_EDGE = "\"'()[]{}<>.,;:!?*_~-\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026"
_CHANGES = re.compile(r"[0-9@]|://|www\.")


def templated(item: Item) -> str:
    """Return why the words of an item are nobody's own, or nothing where they may be.

    The reasons are `automatic` (replies while away, receipts, codes, newsletters, failed
    deliveries), `invitation` (answers of a calendar), `forward` (passed on without a word)
    and `signature` (a phone's line alone).
    """
    if not item.type.startswith("message."):
        return ""
    title = _plain(item.title)
    text = _plain(item.own_text[:_READ])
    if title.startswith(_REPLIED) or _automatic(text):
        return "automatic"
    if title.startswith(_ANSWERED) and (not text or _holds(text, _CALENDAR)):
        return "invitation"
    if _forwarded(title, text):
        return "forward"
    return "signature" if text.startswith(_PHONE) and len(text.split()) <= 2 * _FEW else ""


def skeleton(text: str) -> bytes:
    """Return what texts share that differ in names, numbers and links only.

    Whatever begins with a capital counts as a name and several of them as one, so that a
    German noun may change too. Empty where fewer than eight other words are left: of rows
    with one skeleton `MOST_ALIKE` are learned.
    """
    fixed: list[str] = []
    count = 0
    changes = _CHANGES.search(text) is not None
    for token in text.split():
        word = token.strip(_EDGE)
        if not word:
            continue
        if word[0].isupper() or (changes and _CHANGES.search(word)):
            if not fixed or fixed[-1]:
                fixed.append("")
        else:
            fixed.append(word)
            count += 1
    if count < _FORM:
        return b""
    return blake2b("\0".join(fixed).encode(errors="surrogatepass"), digest_size=12).digest()


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("e-mail", "email").replace("\u2019", "'").split())


def _holds(text: str, phrases: tuple[str, ...]) -> bool:
    return any(map(text.__contains__, phrases))


def _automatic(text: str) -> bool:
    """Whether a program says that it wrote, or says what only programs say in one breath."""
    if _holds(text, _MACHINE) or (_holds(text, _BOUGHT) and _holds(text, _ORDER)):
        return True
    if _holds(text, _AWAY) and (
        _holds(text, _URGENT) or (_holds(text, _THANKS) and _holds(text, _RETURN))
    ):
        return True
    return _holds(text, _CODES) and len(text.split()) <= _SHORT and _CODE.search(text) is not None


def _forwarded(title: str, text: str) -> bool:
    starts = [at for phrase in _PASSED_ON if (at := text.find(phrase)) >= 0]
    if not (starts or title.startswith(_FORWARDED)):
        return False
    return len(text[: min(starts, default=None)].strip("- ").split()) <= _FEW
