"""How her words are asked for, in eight languages, so that it fits every title and every person.

Titles and names stand where no ending and no article depends on them, and nothing says whether
who is asked is a woman or a man.
"""

from dataclasses import dataclass

__all__ = ["WORDINGS", "Wordings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wordings:
    """Templates of one language.

    `mail`, `note` and `post` name a brief, a usual and a long one, and stand at `{it}`;
    `{what}` is a title or a heading, `{title}` that of the whole, `{tags}` are words with
    commas between, `{whom}` a person and `{day}` a day of the week. `days` begin on Monday.
    """

    mail: tuple[str, str, str]
    note: tuple[str, str, str]
    post: tuple[str, str, str]
    about: tuple[str, ...]
    bare: tuple[str, ...]
    tagged: tuple[str, ...]
    to: tuple[str, ...]
    again: tuple[str, ...]
    group: str
    friend: str
    journal: tuple[str, ...]
    today: tuple[str, ...]
    days: tuple[str, ...]
    question: tuple[str, ...]
    within: tuple[str, ...]
    items: tuple[str, ...]
    more: tuple[str, ...]


WORDINGS = {
    "en": Wordings(
        mail=("a brief mail", "a mail", "a long mail"),
        note=("a short note", "a note", "a long note"),
        post=("a short post", "a post", "a long post"),
        about=("Draft {it} about {what}.", "Write {it} about {what}.", "I need {it} about {what}."),
        bare=("Write {it}.", "Draft {it}."),
        tagged=("Write {it} about {what}. Tags: {tags}.", "{what} ({tags}): write {it}."),
        to=("Write to {whom}.", "Send {whom} a message.", "Drop {whom} a line."),
        again=("Write to {whom} again.", "Send {whom} another message."),
        group="the group",
        friend="a friend",
        journal=("Write your journal for {day}.", "How was your {day}?", "Tell me about {day}."),
        today=("Write your journal for today.", "How was your day?"),
        days=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        question=(
            "What did you note about {what}?",
            "What have you got on {what}?",
            "Tell me about {what}.",
        ),
        within=("{title}: what did you note about {what}?", "What about {what}, in {title}?"),
        items=("List your {what}.", "What have you listed under {what}?"),
        more=("Go on.", "Continue.", "And then?"),
    ),
    "de": Wordings(
        mail=("eine kurze Mail", "eine Mail", "eine lange Mail"),
        note=("eine kurze Notiz", "eine Notiz", "eine lange Notiz"),
        post=("einen kurzen Beitrag", "einen Beitrag", "einen langen Beitrag"),
        about=("Entwirf {it} zum Thema {what}.", "Schreib {it} über {what}."),
        bare=("Schreib {it}.", "Entwirf {it}."),
        tagged=("Schreib {it} über {what}. Stichworte: {tags}.", "{what} ({tags}): schreib {it}."),
        to=("Schreib an {whom}.", "Eine Nachricht an {whom}, bitte."),
        again=("Schreib noch einmal an {whom}.", "Noch eine Nachricht an {whom}, bitte."),
        group="die Gruppe",
        friend="jemanden, den du gut kennst",
        journal=("Schreib dein Tagebuch für {day}.", "Wie war dein {day}?"),
        today=("Schreib dein Tagebuch für heute.", "Wie war dein Tag?"),
        days=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        question=("Was hast du zu {what} notiert?", "Was weißt du zu {what}?"),
        within=("{title}: Was hast du zu {what} notiert?", "Und zu {what}, in {title}?"),
        items=("Liste auf: {what}.", "Was steht auf deiner Liste {what}?"),
        more=("Weiter.", "Mach weiter.", "Und dann?"),
    ),
    "fr": Wordings(
        mail=("un mail court", "un mail", "un long mail"),
        note=("une courte note", "une note", "une longue note"),
        post=("une courte publication", "une publication", "une longue publication"),
        about=("Rédige {it} au sujet de : {what}.", "Écris {it} sur {what}."),
        bare=("Écris {it}.", "Rédige {it}."),
        tagged=("Écris {it} sur {what}. Mots-clés : {tags}.", "{what} ({tags}) : écris {it}."),
        to=("Écris à {whom}.", "Envoie un message à {whom}."),
        again=("Écris encore à {whom}.", "Envoie un autre message à {whom}."),
        group="tout le groupe",
        friend="quelqu'un que tu connais bien",
        journal=("Écris ton journal de {day}.", "Raconte ta journée de {day}."),
        today=("Écris ton journal d'aujourd'hui.", "Raconte ta journée."),
        days=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        question=("Qu'as-tu noté sur {what} ?", "Que sais-tu sur {what} ?"),
        within=("{title} : qu'as-tu noté sur {what} ?", "Et sur {what}, dans {title} ?"),
        items=("Fais la liste : {what}.", "Qu'y a-t-il sur ta liste {what} ?"),
        more=("Continue.", "Et ensuite ?", "La suite."),
    ),
    "es": Wordings(
        mail=("un correo breve", "un correo", "un correo largo"),
        note=("una nota breve", "una nota", "una nota larga"),
        post=("una publicación breve", "una publicación", "una publicación larga"),
        about=("Redacta {it} sobre {what}.", "Escribe {it} sobre {what}."),
        bare=("Escribe {it}.", "Redacta {it}."),
        tagged=(
            "Escribe {it} sobre {what}. Etiquetas: {tags}.",
            "{what} ({tags}): escribe {it}.",
        ),
        to=("Escribe a {whom}.", "Manda un mensaje a {whom}."),
        again=("Escribe otra vez a {whom}.", "Manda otro mensaje a {whom}."),
        group="todo el grupo",
        friend="alguien de confianza",
        journal=("Escribe tu diario del {day}.", "¿Qué tal el {day}?"),
        today=("Escribe tu diario de hoy.", "¿Qué tal el día?"),
        days=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        question=("¿Qué anotaste sobre {what}?", "¿Qué sabes sobre {what}?"),
        within=("{title}: ¿qué anotaste sobre {what}?", "¿Y sobre {what}, en {title}?"),
        items=("Haz la lista: {what}.", "¿Qué hay en tu lista {what}?"),
        more=("Sigue.", "Continúa.", "¿Y luego?"),
    ),
    "it": Wordings(
        mail=("una breve mail", "una mail", "una lunga mail"),
        note=("una breve nota", "una nota", "una lunga nota"),
        post=("un breve post", "un post", "un lungo post"),
        about=("Prepara {it} su {what}.", "Scrivi {it} su {what}."),
        bare=("Scrivi {it}.", "Prepara {it}."),
        tagged=("Scrivi {it} su {what}. Parole chiave: {tags}.", "{what} ({tags}): scrivi {it}."),
        to=("Scrivi a {whom}.", "Manda un messaggio a {whom}."),
        again=("Scrivi ancora a {whom}.", "Manda un altro messaggio a {whom}."),
        group="tutto il gruppo",
        friend="una persona che conosci bene",
        journal=("Scrivi il tuo diario di {day}.", "Racconta la tua giornata di {day}."),
        today=("Scrivi il tuo diario di oggi.", "Com'è andata oggi?"),
        days=("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        question=("Che cosa hai annotato su {what}?", "Che cosa sai su {what}?"),
        within=("{title}: che cosa hai annotato su {what}?", "E su {what}, in {title}?"),
        items=("Fai l'elenco: {what}.", "Che cosa c'è nella tua lista {what}?"),
        more=("Continua.", "Va' avanti.", "E poi?"),
    ),
    "pt": Wordings(
        mail=("um e-mail curto", "um e-mail", "um e-mail longo"),
        note=("uma nota curta", "uma nota", "uma nota longa"),
        post=("um post curto", "um post", "um post longo"),
        about=("Redija {it} sobre {what}.", "Escreva {it} sobre {what}."),
        bare=("Escreva {it}.", "Redija {it}."),
        tagged=("Escreva {it} sobre {what}. Etiquetas: {tags}.", "{what} ({tags}): escreva {it}."),
        to=("Escreva para {whom}.", "Mande uma mensagem para {whom}."),
        again=("Escreva de novo para {whom}.", "Mande outra mensagem para {whom}."),
        group="todo o grupo",
        friend="alguém que você conhece bem",
        journal=("Escreva seu diário de {day}.", "Conte como foi seu dia, {day}."),
        today=("Escreva seu diário de hoje.", "Como foi seu dia?"),
        days=(
            "segunda-feira",
            "terça-feira",
            "quarta-feira",
            "quinta-feira",
            "sexta-feira",
            "sábado",
            "domingo",
        ),
        question=("O que você anotou sobre {what}?", "O que você sabe sobre {what}?"),
        within=("{title}: o que você anotou sobre {what}?", "E sobre {what}, em {title}?"),
        items=("Faça a lista: {what}.", "O que está na sua lista {what}?"),
        more=("Continue.", "Siga.", "E depois?"),
    ),
    "nl": Wordings(
        mail=("een korte mail", "een mail", "een lange mail"),
        note=("een korte notitie", "een notitie", "een lange notitie"),
        post=("een kort bericht", "een bericht", "een lang bericht"),
        about=("Stel {it} op over {what}.", "Schrijf {it} over {what}."),
        bare=("Schrijf {it}.", "Maak {it}."),
        tagged=(
            "Schrijf {it} over {what}. Trefwoorden: {tags}.",
            "{what} ({tags}): schrijf {it}.",
        ),
        to=("Schrijf aan {whom}.", "Stuur een bericht naar {whom}."),
        again=("Schrijf nog eens aan {whom}.", "Stuur nog een bericht naar {whom}."),
        group="de groep",
        friend="iemand die je goed kent",
        journal=("Schrijf je dagboek van {day}.", "Hoe was je {day}?"),
        today=("Schrijf je dagboek van vandaag.", "Hoe was je dag?"),
        days=("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
        question=("Wat heb je genoteerd over {what}?", "Wat weet je over {what}?"),
        within=("{title}: wat heb je genoteerd over {what}?", "En over {what}, in {title}?"),
        items=("Maak de lijst: {what}.", "Wat staat er op je lijst {what}?"),
        more=("Ga door.", "Verder.", "En toen?"),
    ),
    "pl": Wordings(
        mail=("krótkiego maila", "maila", "długiego maila"),
        note=("krótką notatkę", "notatkę", "długą notatkę"),
        post=("krótki wpis", "wpis", "długi wpis"),
        about=("Przygotuj {it} na temat: {what}.", "Napisz {it} na temat: {what}."),
        bare=("Napisz {it}.", "Przygotuj {it}."),
        tagged=("Napisz {it} na temat: {what}. Tagi: {tags}.", "{what} ({tags}): napisz {it}."),
        to=("Napisz wiadomość. Do kogo: {whom}.", "Napisz do tej osoby: {whom}."),
        again=("Napisz jeszcze raz. Do kogo: {whom}.", "Jeszcze jedna wiadomość, do: {whom}."),
        group="cała grupa",
        friend="ktoś bliski",
        journal=("Napisz wpis do dziennika: {day}.", "Opisz swój dzień: {day}."),
        today=("Napisz dzisiejszy wpis do dziennika.", "Opisz swój dzień."),
        days=("poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"),
        question=("Co masz w notatkach na temat: {what}?", "Co wiesz na temat: {what}?"),
        within=("{title}: co masz na temat: {what}?", "A co na temat: {what} ({title})?"),
        items=("Wypisz listę: {what}.", "Co jest na liście: {what}?"),
        more=("Dalej.", "Kontynuuj.", "I co dalej?"),
    ),
}
