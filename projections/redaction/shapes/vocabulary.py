"""The words beside which something private stands, in eight languages, accents folded.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish; in that order.
"""

from enum import Enum, auto

from projections.redaction.shapes import dates, places
from projections.redaction.shapes.rules import words

__all__ = ["FIRMS", "NOT_NAMES", "OFFICES", "TITLES", "WORDS", "Field"]


class Field(Enum):
    """What kind of value a word announces."""

    PERSON = auto()  # whatever follows a sign, and a capitalised name that follows directly
    NAME = auto()  # whatever follows a sign
    LETTER = auto()  # a capitalised name after a sign
    CALLED = auto()  # a name, directly
    ORG = auto()
    PHONE = auto()
    EMAIL = auto()
    SSN = auto()
    ID = auto()
    BANK = auto()
    CARD = auto()
    DOB = auto()
    ADDRESS = auto()
    PLACE = auto()
    POSTCODE = auto()
    DEGREES = auto()
    HANDLE = auto()
    GREETING = auto()
    CLOSING = auto()
    TITLE = auto()
    MONTH = auto()
    WEEKDAY = auto()
    AGED = auto()
    BOX = auto()
    FLAT = auto()
    CORNER = auto()


_LISTS: dict[Field, str] = {
    Field.PERSON: """
        patient pt client customer employee applicant claimant plaintiff defendant witness deponent tenant landlord
        student pupil subscriber beneficiary insured policyholder cardholder holder guardian spouse user member
        attending surgeon radiologist pathologist prescriber physician nurse provider doctor therapist agent officer
        manager supervisor contact attn respondent petitioner appellant borrower guarantor donor guest passenger driver
        ceo cfo cto coo president director chairman chairwoman secretary staff author sender recipient signatory signed signature owner buyer seller resident inmate suspect victim complainant
        caller reporter assignee reviewer teacher professor coach participant subject candidate interviewer interviewee
        colleague mother father wife husband son daughter brother sister sibling kin caregiver carer partner
        patientin klient klientin kunde kundin mitarbeiter mitarbeiterin antragsteller antragstellerin arzt arztin mieter
        mieterin vermieter versicherter versicherte klager beklagte zeuge schuler schulerin ansprechpartner absender
        empfanger inhaber kontoinhaber karteninhaber unterzeichner bewerber
        cliente salarie salariee employe employee demandeur demandeuse temoin locataire proprietaire assure assuree
        medecin titulaire destinataire expediteur eleve signataire
        paciente empleado empleada demandante demandado testigo inquilino inquilina titular asegurado asegurada medico
        alumno remitente destinatario solicitante
        paziente dipendente ricorrente testimone inquilino intestatario assicurato assicurata mittente richiedente studente
        utente funcionario funcionaria requerente testemunha segurado segurada aluno inquilina remetente
        patiente client klant werknemer werkneemster aanvrager getuige huurder verzekerde rekeninghouder arts afzender
        pacjent pacjentka klientka pracownik pracownica wnioskodawca swiadek najemca lekarz nadawca odbiorca uczen
    """,
    Field.NAME: """
        name names fullname firstname lastname surname forename givenname familyname middlename nickname maiden alias
        username_full displayname contactname customername patientname employeename
        directed written
        vorname nachname familienname geburtsname vollname anrede
        nom prenom prenoms noms de_la_part
        nombre nombres apellido apellidos
        nome cognome
        sobrenome apelido
        naam voornaam achternaam
        imie nazwisko nazwiskiem imienia
    """,
    Field.CALLED: "name heisse heisst appelle llamo llama chiamo chiama chamo chama heet nazywam nazywa imie nom nombre nome naam call called named",
    Field.LETTER: "from to cc bcc re by von an betreff de objet para da per van od do dotyczy",
    Field.ORG: """
        company employer organization organisation org business firm vendor supplier merchant hospital clinic facility
        school university institution bank insurer carrier
        firma arbeitgeber unternehmen krankenhaus klinik schule universitat versicherer krankenkasse
        entreprise societe employeur hopital clinique ecole assureur
        empresa empleador compania hospital clinica escuela universidad aseguradora
        azienda societa ospedale scuola universita assicurazione datore
        empregador escola universidade seguradora
        bedrijf werkgever ziekenhuis universiteit verzekeraar
        pracodawca szpital szkola uczelnia spolka ubezpieczyciel
    """,
    Field.PHONE: """
        phone phones tel telephone cell cellphone mobile mob fax whatsapp sms landline pager telegram call text ring dial
        phonenumber mobilenumber number answering reach reachable nummer numero numer
        telefon telefonnummer handy handynummer mobil mobilnummer rufnummer festnetz fon durchwahl anrufen
        portable mobile telecopie appelez
        telefono movil celular llamame
        cellulare chiamami
        telefone telemovel celular
        telefoon telefoonnummer mobiel bel
        komorka komorkowy telefonu faks
    """,
    Field.EMAIL: "email mail emails mailaddress emailaddress correo courriel posta poczta",
    Field.SSN: """
        ssn social sin nino insurance_number nhs medicare medicaid aadhaar
        sozialversicherungsnummer steuer steueridentifikationsnummer steuernummer steuerid rentenversicherungsnummer idnr
        nir insee secu
        dni nie nif nuss
        codicefiscale fiscale
        cpf nipc nif niss contribuinte
        bsn burgerservicenummer sofinummer
        pesel nip
    """,
    Field.ID: """
        id ids identifier identification mrn npi dea passport licence license licences licenses dl plate registration vin policy
        claim case docket invoice order booking reservation ref reference rx prescription accession visa badge student_id
        account_id customer_id tracking serial imei imsi meid udid device deviceid biometric fingerprint certificate ticket
        confirmation transaction txn ein tin itin vat taxid member_id membership enrollment bar matter file chart
        empid employeeid customerid patientid memberid policynumber loyalty specimen sample session voter permit
        ausweis ausweisnummer personalausweis reisepass reisepassnummer fuhrerschein fuhrerscheinnummer kennzeichen
        aktenzeichen rechnungsnummer rechnung kundennummer mitgliedsnummer versichertennummer versicherungsnummer
        personalnummer bestellnummer vertragsnummer vorgangsnummer fallnummer patientennummer matrikelnummer
        passeport permis immatriculation plaque dossier facture commande police adherent matricule contrat
        pasaporte matricula expediente factura pedido poliza cedula carne licencia contrato
        passaporto patente targa pratica fattura ordine polizza tessera contratto
        passaporte carta_de_conducao processo fatura encomenda apolice bilhete identidade matricula
        paspoort paspoortnummer rijbewijs kenteken dossiernummer factuur factuurnummer klantnummer polis polisnummer bestelling
        dowod dowodu paszport paszportu rejestracyjny sprawy faktura faktury zamowienie zamowienia polisa polisy legitymacja
    """,
    Field.BANK: """
        account acct iban bic swift routing aba sortcode sort bsb ifsc clabe wallet bitcoin btc eth ethereum
        konto kontonummer bankverbindung blz bankleitzahl
        compte rib
        cuenta ccc
        conto
        conta
        rekening rekeningnummer
        konta rachunek rachunku
    """,
    Field.CARD: """
        card cards cc creditcard debit visa mastercard amex pan cvv cvc
        karte kartennummer kreditkarte kreditkartennummer carte tarjeta carta cartao kaart creditcard karta karty
    """,
    Field.DOB: """
        dob birth birthday bday birthdate birthdata dateofbirth born
        geboren geburtsdatum geburtstag geb
        naissance nee
        nacimiento nacido nacida cumpleanos
        nascita nato nata compleanno
        nascimento nascido nascida aniversario
        geboortedatum verjaardag
        urodzenia urodzony urodzona urodziny ur
    """,
    Field.ADDRESS: """
        address addr street residence residing resides lives location mailing
        adresse anschrift wohnhaft strasse wohnort
        domicile habite
        direccion domicilio vive
        indirizzo residente abita
        endereco morada reside mora
        adres woonachtig woont
        zamieszkaly zamieszkala mieszka adresu
    """,
    Field.PLACE: "city town village county birthplace hometown stadt ort ville ciudad citta cidade stad miasto",
    Field.POSTCODE: "zip zipcode postcode postal plz postleitzahl cap cep kod",
    Field.DEGREES: "lat latitude lon lng long longitude breitengrad langengrad latitud longitud latitudine longitudine",
    Field.HANDLE: """
        user username login handle userid nick twitter instagram insta github discord snapchat tiktok skype telegram reddit
        facebook linkedin mastodon threads kik steam psn benutzername benutzer nutzername utilisateur identifiant pseudo
        usuario utente gebruikersnaam gebruiker uzytkownik
    """,
    Field.GREETING: """
        hi hello hey dear thanks thank cheers
        hallo liebe lieber hola querido querida bonjour cher chere salut ciao caro cara ola prezado prezada
        beste lieve hoi drogi droga szanowny szanowna czesc
    """,
    Field.CLOSING: """
        regards sincerely best cheers yours thanks love respectfully cordially
        grusse grussen gruss cordialement amities saludos atentamente saluti cordialmente cumprimentos atenciosamente
        groet groeten pozdrawiam pozdrowienia
    """,
    Field.TITLE: """
        mr mrs ms miss mx dr prof professor sir dame rev reverend fr father sister judge justice officer sgt sergeant capt captain
        lt lieutenant col colonel gen maj hon senator rn md nurse deputy detective coach lord lady madam ma'am
        herr herrn frau hr fr fraulein
        m mme mlle monsieur madame mademoiselle maitre docteur
        sr sra srta senor senora senorita don dona dr dra
        sig sig.ra signor signora signorina dott dottssa ing avv
        senhor senhora sr sra
        dhr mevr mw meneer mevrouw heer
        pan pani panu pana panstwo
    """,
}

_SETS: dict[Field, frozenset[str]] = {
    **{field: words(listed) for field, listed in _LISTS.items()},
    Field.MONTH: dates.MONTHS,
    Field.WEEKDAY: dates.WEEKDAYS,
    Field.AGED: dates.AGES,
    Field.BOX: places.BOXES,
    Field.FLAT: frozenset(
        {
            "apt",
            "apartment",
            "suite",
            "ste",
            "unit",
            "flat",
            "wohnung",
            "appartement",
            "piso",
            "interno",
            "apto",
        }
    ),
    Field.CORNER: frozenset({"corner"}),
}
WORDS: dict[str, tuple[Field, ...]] = {}
for _field, _list in _SETS.items():
    for _word in _list:
        WORDS[_word] = (*WORDS.get(_word, ()), _field)

TITLES = _SETS[Field.TITLE]

FIRMS = words(
    # Words in the names of organisations.
    """
    company corporation corp inc incorporated ltd limited llc plc gmbh ag kg sa sas sarl srl spa bv nv sp zoo group holding
    holdings partners industries systems data solutions technologies labs bank hospital clinic center centre university college
    school institute foundation society association agency ministry council financial worldwide enterprises consulting
    """
)
OFFICES = words("president chairman speaker ambassador minister secretary")
"""By which somebody is addressed after a title, as in "Mr. President"."""

NOT_NAMES = FIRMS | words(
    # Capitalised words that follow a role or begin a line without naming anybody.
    """
    a an the this that these those his her their our my your its we you he she it they i and or not no yes
    is are was were be been has have had will would can could should may might must do does did if when where who what
    id name number no date email phone address ssn dob mrn record records portal information info details service services
    support care account accounts code type status note notes report reports form data file files history summary
    satisfaction experience feedback success relations handbook benefits agreement contract policy page site list
    manager department dept office team staff agent interface guide manual profile profiles settings login password access
    presented presents reported reports tolerated denies states complains seen was admitted discharged
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday
    insurance medicare medicaid
    street road avenue drive lane north south east west new
    all any each every some here there then thanks thank please hi hello dear hey ok okay
    everyone everybody someone anyone team all sir madam friend friends guys folks colleagues customer
    der die das ein eine und ist le la les un une et est el los las una y il lo gli e o os as um uma de het een en to i jest
    case query claim order invoice application request question subject meeting fw fwd re
    specialist whom whoever department surgery medicine disorder disease syndrome pain test results result
    unknown none null n/a na true false yes no male female
    """
)
