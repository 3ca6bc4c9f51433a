"""The recogniser: finds a person's data in a form's answers, first by declared type, then by common field names.

It knows the usual field names in English, Turkish, German, Spanish and French. It never guesses from an answer's text.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .answers import Answer

_TYPES = {
    "email": "email",
    "inputemail": "email",
    "emailinput": "email",
    "phone": "phone",
    "tel": "phone",
    "phonenumber": "phone",
    "inputphonenumber": "phone",
    "phoneinput": "phone",
}

# Each field's names in the form that `_plain` returns. An ambiguous name is listed under the meaning that it shares
# with the other languages: "nom" is listed as a last name; without a first name it becomes the whole name.
_NAMES = {
    "email": "email emailaddress mail mailaddress youremail useremail contactemail eposta epostaadresi"
    " whatisyouremail whatsyouremail whatisyouremailaddress whatsyouremailaddress"
    " epostaadresiniz emailadresi emailadresiniz mailadresi emailadresse mailadresse emailadres correo"
    " correoelectronico courriel adresseemail adressemail",
    "full_name": "whatisyourname whatsyourname whatisyourfullname whatsyourfullname yourfullname"
    " name fullname yourname contactname displayname customername adsoyad adsoyadi adsoyadiniz"
    " adinizsoyadiniz advesoyad adivesoyadi isimsoyisim vollstandigername vorundnachname nombrecompleto"
    " nombreyapellidos nomcomplet nomprenom nometprenom prenometnom",
    "first_name": "firstname fname givenname forename first namefirst ad adi adiniz isim ilkad vorname"
    " nombre prenom",
    "last_name": "lastname lname surname familyname last namelast soyad soyadi soyadiniz soyisim nachname"
    " familienname apellido apellidos nom nomdefamille",
    "company": "company companyname organization organisation organizationname business businessname firma"
    " firmaadi sirket sirketadi firmenname unternehmen empresa nombredelaempresa entreprise societe"
    " nomdelentreprise",
    "phone": "phone phonenumber tel telephone telephonenumber mobile mobilephone mobilenumber cell cellphone"
    " yourphone yourtel telefon telefonno telefonnumarasi telefonnumaraniz ceptelefonu gsm telefonnummer"
    " handy handynummer telefono numerodetelefono movil celular numerodetelephone portable",
    "address_1": "address address1 addressline1 addrline1 streetaddress street street1 line1 adres adresi"
    " adresiniz adressatiri1 anschrift adresse strasse direccion calle rue",
    "address_2": "address2 addressline2 addrline2 line2 street2 apartment suite adressatiri2 adresszusatz"
    " complementdadresse",
    "city": "city town locality addresscity sehir stadt ort wohnort ciudad localidad ville",
    "district": "district county ilce bezirk distrito arrondissement",
    "province": "province il provincia",
    "state": "state region eyalet bundesland estado etat",
    "postal_code": "postalcode postal zip zipcode postcode postakodu plz postleitzahl codigopostal"
    " codepostal",
    "country": "country countryname countrycode ulke land pais pays",
    "tax_id": "taxid taxnumber taxidnumber vat vatid vatnumber vergino verginumarasi vergikimlikno vkn ustid"
    " ustidnr steuernummer nif cif numerodetva tva",
    "message": "message yourmessage comment comments note notes question enquiry inquiry description mesaj"
    " mesajiniz aciklama nachricht kommentar mensaje comentario comentarios commentaire",
    "billing_email": "billingemail invoiceemail faturaeposta faturaepostasi rechnungsemail",
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()}

# Objects that usually hold a person's fields. Others do not: `product.name` is no person's name.
_CONTAINERS = frozenset(
    [
        "address",
        "billing",
        "billingaddress",
        "contact",
        "customer",
        "data",
        "fields",
        "form",
        "lead",
        "person",
        "profile",
        "submission",
        "user",
    ]
)

# Fields that can come in parts -> the key under which _NAMES lists the parts: "adiniz" {"first": …} is read as
# "name" {"first": …}.
_WHOLES = {"full_name": "name", "address_1": "address"}


_MAX_NAME = 200  # characters of a key or a label; decomposing accents can take quadratic time
_NUMBERED = re.compile(r"^q\d+_(\D+)\d*$")  # Jotform's "q31_name31"


class Reading(NamedTuple):
    """How one answer was read: the field, and the evidence for it ("type", "name", "label" or "value").

    `words` are the words that said so. An answer that lost, or was not recognised, says `why` it is not used.
    """

    answer: Answer
    field: str = ""
    evidence: str = ""
    words: str = ""
    why: str = ""


class Recognition(NamedTuple):
    """What the recogniser found: field -> value, field -> the answers that it is made of, and each answer's reading.

    Fields are Clemta's ("full_name", "email", "billing.phone", …), "company" and "message".
    """

    values: dict[str, str]
    made_of: dict[str, tuple[Answer, ...]]
    readings: tuple[Reading, ...]


def recognise(answers: Sequence[Answer]) -> Recognition:
    """Finds a person's data in the answers."""
    found = _recognise(answers)
    values: dict[str, str] = {}
    made_of: dict[str, tuple[Answer, ...]] = {}

    def put(field: str, value: str, *parts: str) -> None:
        if value:
            values[field], made_of[field] = value, tuple(found[part] for part in parts if part in found)

    texts = {field: answer.value for field, answer in found.items()}
    email = texts.get("email") or texts.get("billing_email", "")
    name, parts = _own_name(texts, email)
    put("full_name", name, *parts)
    put("email", email, "email" if "email" in texts else "billing_email")
    put("company", texts.get("company", ""), "company")
    put("message", texts.get("message", ""), "message")
    put("billing.email", texts.get("billing_email", ""), "billing_email")
    put("billing.district", ", ".join(_of(texts, "district", "city")), "district", "city")
    for field in ("phone", "address_1", "address_2", "postal_code", "state", "province", "country", "tax_id"):
        put(f"billing.{field}", texts.get(field, ""), field)
    used = {answer for parts in made_of.values() for answer in parts}
    readings = [
        Reading(answer, field, "name", "", "" if answer in used else "lost")
        for field, answer in found.items()
    ]
    known = {reading.answer for reading in readings}
    readings += [Reading(answer, why="unknown") for answer in answers if answer not in known]
    return Recognition(values, made_of, tuple(readings))


def is_own_address(name: str, email: str) -> bool:
    """Whether the name is the sender's own address: for example, Auth0 sends it if it knows no name."""
    return bool(name) and name.strip().casefold() == email.strip().casefold()


def _own_name(texts: dict[str, str], email: str) -> tuple[str, tuple[str, ...]]:
    """The person's name, and the fields it is made of; "" if there is none, or only the sender's own address.

    A name without an `@` has precedence.
    """
    both = " ".join(_of(texts, "first_name", "last_name"))
    names = [(texts.get("full_name", ""), ("full_name",)), (both, ("first_name", "last_name"))]
    names.sort(key=lambda name: "@" in name[0])
    return next(((name, of) for name, of in names if name and not is_own_address(name, email)), ("", ()))


def _of(texts: dict[str, str], *fields: str) -> list[str]:
    return [texts[field] for field in fields if field in texts]


def _recognise(answers: Sequence[Answer]) -> dict[str, Answer]:
    """Field in _NAMES -> its answer: the first one with a matching type, else the first with a matching name."""
    found: dict[str, Answer] = {}
    for answer in answers:
        if field := declared_field(answer):
            found.setdefault(field, answer)
    by_type = set(found)
    for answer in answers:
        if declared_field(answer) in by_type:
            continue
        if field := _field_of(answer.path) or _FIELD_OF.get(_plain(answer.label)):
            found.setdefault(field, answer)
    return found


def declared_field(answer: Answer) -> str | None:
    """The field that the answer's declared type names."""
    return _TYPES.get(_plain(answer.type)) if answer.type else None


def _field_of(path: tuple[str, ...]) -> str | None:
    names = [_plain(key) for key in path]
    if len(names) > 1 and names[-1] == "full":
        names.pop()
    names[:-1] = [_WHOLES.get(_FIELD_OF.get(name, ""), name) for name in names[:-1]]
    for start, name in enumerate(names):
        if field := _FIELD_OF.get("".join(names[start:])):
            return field
        if name not in _CONTAINERS:
            return None
    return None


def _plain(name: str) -> str:
    """ "E-posta adresi *" -> "epostaadresi": letters and digits only, no case, no accents; "" if it is too long."""
    return _letters(name) if len(name) <= _MAX_NAME else ""


@lru_cache(2_048)  # an object's key is looked up again for each of its leaves
def _letters(name: str) -> str:
    name = _NUMBERED.sub(r"\1", name)
    letters = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("İ", "i").casefold())
    return re.sub(r"[^a-z0-9]", "", letters)
