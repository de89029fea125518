internal import DeskModel

/// Words of programs that serve people: switchboards, scanners, account security, newsletters; and the halves of sentences
/// that mean something only together. Lower case, folded as `AutomaticWords` folds.
extension AutomaticPhrases {
    /// No person writes this to a desk.
    static let notices = PhraseSet([
        "you are receiving this", "you're receiving this", "you received this email because",
        "you get this mail because",
        "this mailbox is not monitored", "view this email in your browser", "view in browser", "if this was you",
        "if this wasn't you", "you have a new voice", "you have received a new voice", "you have received a fax",
        "you have a new fax", "this e-mail was sent from \"", "this mail was sent from \"",
        "this email was sent from \"",
        "sie erhalten diese e-mail, weil", "sie erhalten diese mail, weil", "im browser ansehen", "falls sie das waren",
        "wenn sie das waren", "sie haben eine neue sprachnachricht", "sie haben ein neues fax", "sie haben ein fax",
        "vous recevez cet e-mail", "vous recevez ce message car", "vous recevez ce courriel", "si c'était vous",
        "vous avez reçu un nouveau message vocal", "vous avez reçu un fax", "vous avez reçu une télécopie",
        "recibe este correo porque", "recibes este correo porque", "si fue usted", "si has sido tú",
        "tiene un nuevo mensaje de voz", "ha recibido un fax", "ricevi questa e-mail perché",
        "ricevi questa mail perché",
        "se sei stato tu", "hai ricevuto un nuovo messaggio vocale", "hai ricevuto una chiamata", "hai ricevuto un fax",
        "je ontvangt deze", "u ontvangt deze e-mail omdat", "als jij dit was", "als u dit was",
        "u heeft een nieuwe voice",
        "je hebt een nieuwe voice", "u heeft een fax ontvangen", "otrzymujesz tę wiadomość", "jeśli to ty",
        "otrzymano nową wiadomość głosową", "otrzymano faks", "você recebeu este", "está a receber este", "se foi você",
        "recebeu uma nova mensagem de voz", "recebeu um fax", "du får det här mejlet", "du får detta mejl",
        "om det var du", "du har fått ett röstmeddelande", "du har fått ett nytt röst", "du har fått ett fax",
        "du modtager denne mail", "hvis det var dig", "du har fået en ny talebesked", "du har modtaget en fax",
        "新しいボイスメール", "配信停止は",
    ])
    /// What subjects of such programs start with, where a person would write of theirs in other words.
    static let gateways = PhraseSet([
        "new voice message", "new voicemail", "voice message from", "voicemail from", "voicemail message from",
        "missed call from", "new fax", "fax from", "fax message from", "fax received from", "scanned document from",
        "scan from", "message from mfp", "scanned from a", "neue sprachnachricht", "sprachnachricht von",
        "neue voicemail", "verpasster anruf von", "anruf in abwesenheit von", "fax von", "neues fax", "scan von",
        "gescanntes dokument von", "nouveau message vocal", "message vocal de", "appel manqué de", "fax de",
        "télécopie de",
        "document numérisé de", "nuevo mensaje de voz", "mensaje de voz de", "llamada perdida de", "nuevo fax",
        "documento escaneado de", "nuovo messaggio vocale", "messaggio vocale da", "chiamata persa da", "fax da",
        "scansione da", "nieuwe voicemail", "nieuw voicemailbericht", "voicemail van", "gemiste oproep van", "fax van",
        "scan van", "nowa wiadomość głosowa", "wiadomość głosowa od", "nieodebrane połączenie od", "faks od", "skan z",
        "nova mensagem de voz", "mensagem de voz de", "chamada perdida de", "documento digitalizado de",
        "nytt röstmeddelande", "röstmeddelande från", "missat samtal från", "fax från", "skannat dokument från",
        "ny talebesked", "talebesked fra", "ubesvaret opkald fra", "fax fra", "scanning fra", "不在着信", "ボイスメール",
    ])
    /// What their texts count or name.
    static let records = PhraseSet([
        "duration", "caller", "recording", "number of pages", "attached file", "did not leave a message", "scan date",
        "dauer", "rufnummer", "aufzeichnung", "anzahl der seiten", "seitenzahl", "eingegangen am", "keine nachricht",
        "durée", "numéro :", "numéro:", "nombre de pages", "pièce jointe", "duración", "duracion", "número de páginas",
        "grabación", "durata", "numero di pagine", "non ha lasciato", "registrazione", "duur", "aantal pagina",
        "bijlage",
        "bijgevoegd vindt u de scan", "czas trwania", "liczba stron", "nagranie", "duração", "gravação", "varaktighet",
        "längd", "bifogade filen", "inspelning", "varighed", "vedhæftet", "antal sider", "antal sidor", "録音",
    ])
    /// Asked of the reader by a program that nobody reads answers to.
    static let refusals = PhraseSet([
        "do not reply", "do not respond to this", "replies to this", "cannot be replied", "cannot receive replies",
        "nicht auf diese", "antworten auf diese e-mail werden nicht", "merci de ne pas répondre", "ne pas répondre à",
        "ne pas y répondre", "no responda a", "no responda este", "no conteste a", "non rispondere a quest",
        "di non rispondere", "niet beantwoord", "niet te beantwoorden", "niet op antwoorden", "prosimy nie odpowiadać",
        "proszę nie odpowiadać", "não responda a", "não responder a", "går inte att svara", "svara inte på",
        "kan ikke besvares", "svar ikke på", "送信専用", "返信はできません", "ご返信いただいても",
    ])
    /// Thanks of a desk for being written to.
    static let thanks = PhraseSet([
        "thank you for your message", "thank you for your e", "thank you for your enquiry",
        "thank you for your inquiry",
        "thanks for your message", "thanks for your e", "thank you for contacting", "thanks for contacting",
        "thank you for writing", "thanks for writing", "thank you for getting in touch", "thanks for getting in touch",
        "dank für ihre", "danke für ihre", "danke für deine", "merci pour votre", "merci de votre",
        "vous en remercions",
        "vous remercions de votre", "vous remercions pour votre", "gracias por su", "gracias por contactar",
        "gracias por ponerse", "gracias por escribirnos", "grazie per averci", "grazie per la sua", "grazie per il suo",
        "la ringraziamo per", "bedankt voor uw", "bedankt voor je", "dank voor uw", "dziękujemy za",
        "agradecemos o seu", "agradecemos a sua", "obrigado pelo seu", "obrigado pela sua", "obrigado por contactar",
        "tack för att du", "tack för ditt", "tack för din", "tak for din", "tak for at du", "takk for din",
        "お問い合わせありがとう", "お問い合わせいただき",
    ])
    /// Nothing more is here, …
    static let endings = PhraseSet([
        "no longer", "any more", "anymore", "not in use", "has moved on", "have moved on", "nicht mehr", "n'est plus",
        "ne suis plus", "ne fais plus", "ne travaille plus", "ne sera pas", "ne seront plus", "ya no ", "dejará de",
        "non è più", "non sono più", "non lavoro più", "niet meer", "nie jest już", "już nie ", "nie pracuję",
        "já não ", "não é mais", "não é consultad", "não será lid", "não serão lid", "deixei a ", "inte längre",
        "har slutat", "ikke længere", "ikke lenger", "není již", "již není", "使用しておりません", "使われておりません",
    ])
    /// … of a mailbox or of its owner there.
    static let belongings = PhraseSet([
        "mailbox", "inbox", "address", "account", "company", "work", "postfach", "adresse", "unternehmen", "firma",
        "boîte", "société", "entreprise", "buzón", "cuenta", "correo", "empresa", "dirección", "casella", "indirizzo",
        "azienda", "postbus", "adres", "organisatie", "bedrijf", "werkzaam", "skrzynk", "firmie", "caixa", "endereço",
        "adress", "företag", "brevlåd", "postkasse", "virksomhed", "schránk", "アドレス",
    ])
    /// The house of the writer …
    static let houses = PhraseSet([
        "our office", "our shop", "our store", "our practice", "our clinic", "our firm", "we are", "unsere praxis",
        "unsere kanzlei", "unser büro", "unser geschäft", "unser betrieb", "unser sekretariat", "notre cabinet",
        "notre bureau", "notre magasin", "notre étude", "nuestra oficina", "nuestra clínica", "nuestro despacho",
        "il nostro ufficio", "il nostro studio", "i nostri uffici", "ons kantoor", "onze praktijk", "onze winkel",
        "nasze biuro", "nasza kancelaria", "o nosso escritório", "a nossa clínica", "vårt kontor", "vår mottagning",
        "vores kontor", "vores klinik", "弊社", "当社",
    ])
    /// … is not open.
    static let closures = PhraseSet([
        "closed", "geschlossen", "betriebsferien", "fermé", "cerrad", "chius", "gesloten", "zamknięt", "nieczynn",
        "encerrad", "fechad", "stängt", "stängd", "lukket", "休業",
    ])
    /// Somebody's mailbox takes no more.
    static let fullBoxes = PhraseSet([
        "recipient's mailbox", "mailbox is full", "mailbox of the recipient", "over its quota", "exceeded its quota",
        "postfach des empfängers", "boîte aux lettres du destinataire", "boîte du destinataire",
        "buzón del destinatario",
        "casella del destinatario", "mailbox van de ontvanger", "skrzynka odbiorcy", "caixa do destinatário",
        "caixa de correio do destinatário", "mottagarens brevlåda", "modtagerens postkasse",
    ])
    /// A person tells what they get: the complaint about automatic answers uses their very words.
    static let receiving = PhraseSet([
        " i get ", " i got ", " i keep ", " i only ", " i just ", "keep getting", "keeps sending", "ich bekomme",
        "ich bekam", "ich erhalte", "ich habe nur", "bekomme ich", "je reçois", "je ne reçois", "j'ai reçu", "recibo ",
        "he recibido", "ricevo ", "ho ricevuto", "ik krijg", "ik kreeg", "krijg ik", "dostaję", "dostał", "otrzymuję",
        "recebo ", " só recebi", "jag får", "jag fick", "får jag", "jeg får", "jeg fik", "dostávám", "saan ", "しか届",
    ])
    /// What an answer to an invitation starts its subject with.
    static let invitationAnswers = PhraseSet([
        "accepted:", "declined:", "tentative:", "tentatively accepted:", "zugesagt:", "abgesagt:", "angenommen:",
        "abgelehnt:", "mit vorbehalt:", "accepté :", "accepté:", "refusé :", "refusé:", "aceptado:", "aceptada:",
        "rechazado:", "rechazada:", "accettato:", "rifiutato:", "geaccepteerd:", "afgewezen:", "geweigerd:",
        "zaakceptowano:", "odrzucono:", "aceite:", "aceito:", "recusado:", "accepterat:", "avböjt:", "tackat ja:",
        "accepteret:", "afvist:", "承諾:", "辞退:",
    ])
}
