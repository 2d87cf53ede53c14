"""What WhatsApp itself writes into a chat, in the languages of its exports.

A placeholder for a picture is nobody's words and must not be learned as such. Where the
program marks its words (brackets, a mark that nobody types, its own file names) the
language does not matter; the rest is a list of what public exports show.
"""

import re

# ruff: noqa: RUF001 - letters of other languages look alike

__all__ = ["chat_name", "is_system", "makes_group", "without_media"]

_LRM = "\u200e"
_AROUND = _LRM + " \n."

_OMITTED_WHOLE = (
    r"Media omitted|Medien ausgeschlossen|Médias omis|Multimedia omitido|Archivo omitido|"
    r"Arquivo de mídia oculto|Mídia oculta|Mídia omitida|Ficheiro não revelado|Media omessi|"
    r"Media weggelaten|Без медиафайлов|Pominięto multimedia|Medya dahil edilmedi|"
    r"Medier utelämnade|メディアなし|メディアは含まれていません|省略多媒体文件|忽略多媒体文件|"
    r"미디어 파일을 제외한 대화내용|تم استبعاد الوسائط|मीडिया छोड़ा गया|המדיה לא נכללה"
)
_OMITTED_KIND = (
    r"(?:image|video|audio|sticker|GIF|document|Contact card|video note|"
    r"Bild|Video|Audio|Sticker|Dokument|Kontaktkarte|Videonachricht|imagen?|vídeo|áudio|documento|"
    r"figurinha|vidéo|immagine|afbeelding|görüntü|ses|çıkartma|belge)[ ]"
    r"(?:omitted|weggelassen|omitid[oa]|absente?|omess[oa]|ocultad[oa]|weggelaten|dahil edilmedi)"
)
_OMITTED = re.compile(
    rf"\u200e?<(?:{_OMITTED_WHOLE})>|\u200e{_OMITTED_KIND}|^{_OMITTED_KIND}$",
    re.IGNORECASE | re.MULTILINE,
)
_ATTACHED = re.compile(
    r"\u200e<[^<>:\n]{1,40}[ \u00a0]?[::][ \u00a0]?([^<>\n]{1,255}\.\w{1,5})>"
    r"|<(?:attached|Anhang|adjunto|pièce jointe|allegato|anexado|bijgevoegd|załączono|附件|添付ファイル)"
    r"[ \u00a0]?[::][ \u00a0]?([^<>\n]{1,255})>"
    r"|^\u200e?((?:IMG|VID|AUD|PTT|STK|DOC)-\d{8}-WA\d{4}\.\w{2,5}) \([^()\n]{2,40}\)"
    r"|^\u200e?(\S[^\n]{0,250}?\.\w{2,5}) \((?:file attached|Datei angehängt|fichier joint|"
    r"archivo adjunto|arquivo anexado|file allegato|bestand bijgevoegd|dosya ekli|файл добавлен)\)",
    re.IGNORECASE | re.MULTILINE,
)
_EDITED = re.compile(
    r"[ ]?\u200e?<(?:This message was edited|Diese Nachricht wurde bearbeitet|"
    r"Ce message a été modifié|Se editó este mensaje|Mensagem editada|Messaggio modificato|"
    r"Questo messaggio è stato modificato|Dit bericht is bewerkt)\.?>"
)
_DELETED = frozenset(
    (
        "you deleted this message",
        "this message was deleted",
        "du hast diese nachricht gelöscht",
        "diese nachricht wurde gelöscht",
        "vous avez supprimé ce message",
        "ce message a été supprimé",
        "eliminaste este mensaje",
        "se eliminó este mensaje",
        "você apagou esta mensagem",
        "esta mensagem foi apagada",
        "mensagem apagada",
        "hai eliminato questo messaggio",
        "questo messaggio è stato eliminato",
        "je hebt dit bericht verwijderd",
        "dit bericht is verwijderd",
        "bu mesajı sildiniz",
        "bu mesaj silindi",
        "null",  # what is left of a photo that was shown once
    )
)
_LONGEST_PHRASE = 64
_GROUP = re.compile(
    r"created (?:this )?group|hat die Gruppe|hast die Gruppe|a créé (?:le|ce) groupe|creó (?:el|este) grupo|"
    r"criou (?:o|este) grupo|ha creato (?:il|questo) gruppo|heeft (?:de )?groep|"
    r"were added|wurdest hinzugefügt|joined using (?:this|your|a) group",
    re.IGNORECASE,
)
_CHAT_WITH = re.compile(
    r"(?:WhatsApp[ -]?Chat|Chat (?:de |do )?WhatsApp|Discussion WhatsApp|Conversa do WhatsApp|"
    r"Conversación de WhatsApp|WhatsApp-chat)[ ]*(?:with|mit|con|com|avec|met|-|\u2013)[ ]+"
    r"(.+?)(?:[ ]?\(\d+\))?(?:\.(?:txt|zip))*$",
    re.IGNORECASE,
)


def is_system(said: str) -> bool:
    """Whether what stands behind a name was said by WhatsApp, not by a person."""
    if len(said) < _LONGEST_PHRASE and said.strip(_AROUND).casefold() in _DELETED:
        return True
    # On iPhones the system speaks in the name of the group, behind a mark that nobody types.
    return said.startswith(_LRM) and not _OMITTED.match(said) and not _ATTACHED.match(said)


def makes_group(said: str) -> bool:
    """Whether a line of the system tells that the chat is a group."""
    return _GROUP.search(said) is not None


def without_media(said: str) -> tuple[str, list[str]]:
    """Return the words of a message without placeholders, and the files it came with."""
    marked = "<" in said or _LRM in said or "(" in said
    if not marked and (len(said) > _LONGEST_PHRASE or not _OMITTED.match(said)):
        return said.strip(), []
    names = ["".join(groups).strip() for groups in _ATTACHED.findall(said)]
    said = _ATTACHED.sub("", _EDITED.sub("", said))
    said = _OMITTED.sub("", said)
    return said.replace(_LRM, "").strip(), names


def chat_name(path: str) -> str:
    """Return whom or what a chat is with, where a file or archive is named for it."""
    for part in reversed(path.replace("!", "/").split("/")):
        found = _CHAT_WITH.match(part.replace("_", " ") if " " not in part else part)
        if found:
            return found.group(1).strip()
    return ""
