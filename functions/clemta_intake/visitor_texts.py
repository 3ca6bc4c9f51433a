"""The texts of our own answer pages, in each language that they come in."""

from typing import NamedTuple


class Texts(NamedTuple):
    """One language's texts."""

    thanks_title: str
    thanks_text: str
    home: str
    """The link to the website."""
    error_title: str
    error_text: str
    """For an error whose fields are named below it."""
    too_large: str
    broken: str
    """For a request that no visitor can correct: the form itself is wrong."""
    unavailable: str
    back: str
    labels: dict[str, str]
    """A field of Clemta's -> what people call it. A field without an entry keeps its own name."""
    messages: dict[str, str]
    """A mistake in English -> in this language."""
    other_mistake: str
    """For a mistake without an entry; "" where its English text is right."""


_REQUIRED, _EMAIL, _TICKED = "is required", "must be an e-mail address", "must be ticked"
_PERSON, _TRY_AGAIN = (
    "is required: show that you are a person",
    "was not accepted: reload the page and try again",
)

TEXTS = {
    "en": Texts(
        "Thank you",
        "We have received your sign-up.",
        "Back to the website",
        "Not sent yet",
        "Please correct this and send the form again:",
        "The form holds more than we can accept. Please shorten your text, and send the form again.",
        "This form does not work at the moment. Please tell the owner of the website.",
        "We cannot accept your sign-up at the moment. Please send the form again in a minute.",
        "Use your browser's back button: what you typed is still there.",
        {"email": "E-mail", "full_name": "Name"},
        {},
        "",
    ),
    "tr": Texts(
        "Teşekkür ederiz",
        "Kaydınızı aldık.",
        "Web sitesine dön",
        "Henüz gönderilmedi",
        "Lütfen aşağıdakileri düzeltip formu yeniden gönderin:",
        "Form kabul edebileceğimizden fazla veri içeriyor. Lütfen metninizi kısaltıp formu yeniden gönderin.",
        "Bu form şu anda çalışmıyor. Lütfen web sitesinin sahibine bildirin.",
        "Kaydınızı şu anda alamıyoruz. Lütfen bir dakika sonra formu yeniden gönderin.",
        "Tarayıcınızın geri düğmesiyle dönün: yazdıklarınız hâlâ orada.",
        {"email": "E-posta", "full_name": "Ad soyad"},
        {
            _REQUIRED: "zorunludur",
            _EMAIL: "geçerli bir e-posta adresi olmalıdır",
            _TICKED: "işaretlenmelidir",
            _PERSON: "insan olduğunuzu gösterin",
            _TRY_AGAIN: "kabul edilmedi: sayfayı yenileyip tekrar deneyin",
        },
        "lütfen kontrol edin",
    ),
    "de": Texts(
        "Vielen Dank",
        "Wir haben Ihre Anmeldung erhalten.",
        "Zurück zur Website",
        "Noch nicht gesendet",
        "Bitte korrigieren Sie Folgendes und senden Sie das Formular noch einmal:",
        "Das Formular enthält mehr, als wir annehmen können. Bitte kürzen Sie Ihren Text und senden Sie neu.",
        "Dieses Formular funktioniert zurzeit nicht. Bitte informieren Sie den Betreiber der Website.",
        "Wir können Ihre Anmeldung zurzeit nicht annehmen. Bitte senden Sie das Formular in einer Minute noch einmal.",
        "Gehen Sie mit der Zurück-Taste Ihres Browsers zurück: Ihre Eingaben sind noch da.",
        {"email": "E-Mail", "full_name": "Name"},
        {
            _REQUIRED: "wird benötigt",
            _EMAIL: "muss eine E-Mail-Adresse sein",
            _TICKED: "muss angekreuzt sein",
            _PERSON: "zeigen Sie bitte, dass Sie ein Mensch sind",
            _TRY_AGAIN: "wurde nicht angenommen: laden Sie die Seite neu und versuchen Sie es noch einmal",
        },
        "bitte prüfen",
    ),
    "es": Texts(
        "Gracias",
        "Hemos recibido su registro.",
        "Volver al sitio web",
        "Todavía no se ha enviado",
        "Corrija lo siguiente y envíe el formulario de nuevo:",
        "El formulario contiene más de lo que podemos aceptar. Acorte su texto y envíelo de nuevo.",
        "Este formulario no funciona en este momento. Avise al propietario del sitio web.",
        "No podemos aceptar su registro en este momento. Envíe el formulario de nuevo dentro de un minuto.",
        "Vuelva con el botón «Atrás» de su navegador: lo que escribió sigue ahí.",
        {"email": "Correo electrónico", "full_name": "Nombre"},
        {
            _REQUIRED: "es obligatorio",
            _EMAIL: "debe ser una dirección de correo electrónico",
            _TICKED: "debe estar marcado",
            _PERSON: "demuestre que es una persona",
            _TRY_AGAIN: "no se ha aceptado: recargue la página e inténtelo de nuevo",
        },
        "revise este campo",
    ),
    "fr": Texts(
        "Merci",
        "Nous avons bien reçu votre inscription.",
        "Retour au site",
        "Pas encore envoyé",
        "Veuillez corriger ce qui suit et envoyer de nouveau le formulaire :",
        "Le formulaire contient plus que nous ne pouvons accepter. Raccourcissez votre texte et envoyez-le de nouveau.",
        "Ce formulaire ne fonctionne pas pour le moment. Veuillez prévenir le propriétaire du site.",
        "Nous ne pouvons pas accepter votre inscription pour le moment. Renvoyez le formulaire dans une minute.",
        "Revenez avec le bouton Précédent de votre navigateur : ce que vous avez saisi est toujours là.",
        {"email": "E-mail", "full_name": "Nom"},
        {
            _REQUIRED: "est obligatoire",
            _EMAIL: "doit être une adresse e-mail",
            _TICKED: "doit être coché",
            _PERSON: "montrez que vous êtes une personne",
            _TRY_AGAIN: "n'a pas été accepté : rechargez la page et réessayez",
        },
        "veuillez vérifier ce champ",
    ),
}
