"""What WhatsApp itself writes into a chat, in the languages of its exports.

A placeholder for a picture is nobody's words and must not be learned as such.
"""

import re

__all__ = ["chat_name", "is_system", "makes_group", "without_media"]

_LRM = "\u200e"

_OMITTED = re.compile(
    r"<(?:Media omitted|Medien ausgeschlossen|Médias omis|Multimedia omitido|Archivo omitido|"
    r"Arquivo de mídia oculto|Mídia oculta|Ficheiro não revelado|Media omessi|Media weggelaten|"
    r"Без медиафайлов|Pominięto multimedia|Medya dahil edilmedi|Medier utelämnade|"
    r"メディアなし|メディアは含まれていません|省略多媒体文件|忽略多媒体文件|미디어 파일을 제외한 대화내용|"
    r"تم استبعاد الوسائط|मीडिया छोड़ा गया|המדיה לא נכללה)>"
    r"|\u200e?(?:image|video|audio|sticker|GIF|document|Contact card|video note|"
    r"Bild|Video|Audio|Sticker|Dokument|Kontaktkarte|imagen?|vídeo|documento|figurinha|vidéo|"
    r"immagine|afbeelding)[ ](?:omitted|weggelassen|omitid[oa]|absente?|omess[oa]|ocultad[oa]|"
    r"weggelaten)",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"\u200e?<(?:attached|Anhang|adjunto|pièce jointe|allegato|anexado|bijgevoegd|załączono|附件|添付ファイル)"
    r"[ \u00a0]?[::][ \u00a0]?([^<>\n]{1,255})>"
    r"|^\u200e?(\S[^\n]{0,250}?\.\w{2,5}) \((?:file attached|Datei angehängt|fichier joint|"
    r"archivo adjunto|arquivo anexado|file allegato|bestand bijgevoegd|файл добавлен)\)",
    re.IGNORECASE | re.MULTILINE,
)
_EDITED = re.compile(
    r"[ ]?\u200e?<(?:This message was edited|Diese Nachricht wurde bearbeitet|"
    r"Ce message a été modifié|Se editó este mensaje|Mensagem editada|"
    r"Questo messaggio è stato modificato|Dit bericht is bewerkt)\.?>"
)
_DELETED = re.compile(
    r"\u200e?(?:You deleted this message|This message was deleted|Du hast diese Nachricht gelöscht|"
    r"Diese Nachricht wurde gelöscht|Vous avez supprimé ce message|Ce message a été supprimé|"
    r"Eliminaste este mensaje|Se eliminó este mensaje|Você apagou esta mensagem|"
    r"Esta mensagem foi apagada|Mensagem apagada|Hai eliminato questo messaggio|"
    r"Questo messaggio è stato eliminato|null)\.?\s*$",
    re.IGNORECASE,
)
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
    if _DELETED.match(said):
        return True
    # On iPhones the system speaks in the name of the group, behind a mark that nobody types.
    return said.startswith(_LRM) and not _OMITTED.match(said) and not _ATTACHED.match(said)


def makes_group(said: str) -> bool:
    """Whether a line of the system tells that the chat is a group."""
    return _GROUP.search(said) is not None


def without_media(said: str) -> tuple[str, list[str]]:
    """Return the words of a message without placeholders, and the files it came with."""
    if "<" not in said and _LRM not in said and "(" not in said and "omitted" not in said:
        return said.strip(), []
    names = [first or second for first, second in _ATTACHED.findall(said)]
    said = _ATTACHED.sub("", _EDITED.sub("", said))
    said = _OMITTED.sub("", said)
    return said.replace(_LRM, "").strip(), [name.strip() for name in names]


def chat_name(path: str) -> str:
    """Return whom or what a chat is with, where a file or archive is named for it."""
    for part in reversed(path.replace("!", "/").split("/")):
        found = _CHAT_WITH.match(part.replace("_", " ") if " " not in part else part)
        if found:
            return found.group(1).strip()
    return ""
