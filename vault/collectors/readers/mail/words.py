"""What mail programs write around words that are not their user's, in ten languages.

Gmail, Outlook, Thunderbird, Apple Mail and Yahoo, as far as they were translated into English,
German, French, Spanish, Italian, Portuguese, Dutch and Polish, and the commonest forms of
Russian and Chinese.
"""

import re

__all__ = ["BEGINS", "FROM", "HEADERS", "OPENS", "PHONES", "RULES", "SUSPECT", "WROTE"]

_COLON = "[:\uff1a]"
_SENDERS = "From|Von|De|Da|Van|Od|Mittente|Nadawca|От|发件人|差出人"
_PHONE = (
    "Sent from my ",
    "Get Outlook for ",
    "Von meinem ",
    "Gesendet von ",
    "Envoyé de mon ",
    "Envoyé depuis mon ",
    "Enviado desde mi ",
    "Inviato da",
    "Enviado do meu ",
    "Enviado a partir do meu ",
    "Verzonden vanaf mijn ",
    "Verstuurd vanaf mijn ",
    "Wysłane z ",
    "Wysłano z ",
)
_BEGIN = (
    "Begin forwarded message",
    "Anfang der weitergeleiteten (?:Nachricht|E-Mail)",
    "Début du (?:message réexpédié|message transféré|courriel transféré)",
    "Inicio del mensaje reenviado",
    "Inizio (?:del )?messaggio inoltrato",
    "Início da mensagem (?:re)?encaminhada",
    "Begin doorgestuurd bericht",
    "Początek przekaz(?:yw)?anej wiadomości",
)

RULES = re.compile(
    r"-{2,}\s*(?:Original (?:Message|Appointment)|Forwarded (?:Message|by)|"
    r"(?:Ursprüngliche |Original-?|Weitergeleitete )Nachricht|Ursprünglicher Termin|"
    r"Message (?:d.origine|original|transféré|transmis|réexpédié)|"
    r"Mensaje (?:original|reenviado)|Messaggio (?:originale|inoltrato)|"
    r"Mensagem (?:original|encaminhada|reencaminhada)|"
    r"(?:Oorspronkelijk|Origineel|Doorgestuurd) bericht|"
    r"Wiadomość (?:oryginalna|przekazana|przesłana dalej)|"
    r"(?:Oryginalna|Przekazana) wiadomość|Treść przekazanej wiadomości|"
    r"Пересылаемое сообщение|原始邮件)|_{10,}\s*$",
    re.IGNORECASE,
)
"""A line of dashes or underscores over a message that is quoted or passed on."""

BEGINS = re.compile(rf"(?:{'|'.join(_BEGIN)})\s?{_COLON}", re.IGNORECASE)
"""The line that Apple writes over a message passed on."""

FROM = re.compile(rf"\*?(?:{_SENDERS})\*?\s?{_COLON}\*?\s?\S")
"""The first line of a header within a text."""

HEADERS = re.compile(
    r"\*?(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Sujet|"
    r"Enviad[oa](?: el| em)?|Fecha|Para|Asunto|Inviato|Data|A|Oggetto|Assunto|Verzonden|Aan|"
    rf"Onderwerp|Wysłan[oe]|Do|Temat|Отправлено|Дата|Кому|Тема|发送时间)\*?\s?{_COLON}"
)
"""A further line of one."""

PHONES = re.compile("|".join(_PHONE))
"""The signature that a telephone writes."""

WROTE = re.compile(
    r"(?:wrote|schrieb|écrit|escribió|scritto|scrisse|escreveu|schreef|geschreven|"
    r"napisał|pisze|skrev|написал|пишет|写道|のメール)"
    rf"[^\n]{{0,200}}{_COLON}\s*$|^\d{{4}}年.{{0,200}}{_COLON}\s*$"
)
"""The end of a line that announces a quotation."""

OPENS = re.compile(
    r"(?:On|Am|Le|El|Em|A|Il|Op|Den|W dniu|Dnia|pon\.|wt\.|śr\.|czw\.|pt\.|sob\.|niedz\.)(?!\w)"
)
"""The beginning of such a line, which may go on over a second one."""

# One look over the text finds that most messages have none of all this.
SUSPECT = re.compile(
    r"\n(?=[ \t>_*ABDEFGIMNOPSVW\u041e发差-])(?:[ \t]{0,8}>|-- ?\n|-{2,}[ \t]?[^\W\d_]|_{10,}|"
    rf"\*?(?:{_SENDERS})\*?[ \u00a0]?{_COLON}|{'|'.join((*_PHONE, *_BEGIN))})"
)
"""The beginning of a line that may be any of these but an announcement."""
