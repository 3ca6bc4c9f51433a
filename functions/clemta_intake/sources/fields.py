"""The recogniser: finds a person's data in a form's answers, first by declared type, then by common field names.

It knows the usual field names in English, Turkish, German, Spanish and French. It never guesses from an answer's text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Answer:
    """One field of a form: its key as a path, its value, and its label and type if the sender gives them."""

    path: tuple[str, ...]
    value: str
    label: str = ""
    type: str = ""


def to_text(value: Any) -> str:
    """A value as text: numbers are written out, lists are joined; "" for null, booleans and objects."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float):
        return format(value, "f").rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return ", ".join(text for inner in value if (text := to_text(inner)))
    return ""


def to_answers(data: Any) -> list[Answer]:
    """The flat list of answers in an object, or in a list of {key, label, type, value}, without empty ones."""
    if isinstance(data, list):
        return [answer for item in data if isinstance(item, dict) for answer in _listed(item)]
    return list(_flattened((), data))


def _listed(item: dict[str, Any]) -> Iterator[Answer]:
    key, label, kind = (to_text(item.get(name)) for name in ("key", "label", "type"))
    value = item.get("value")
    if isinstance(value, dict):  # a name or an address in parts: the label names the whole, not a part
        key, label = (key if _plain(key) in _FIELD_OF else label), ""
    for answer in _flattened((key,), value):
        yield Answer(answer.path, answer.value, label, kind)


def _flattened(path: tuple[str, ...], value: Any) -> Iterator[Answer]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flattened((*path, str(key)), inner)
    elif text := to_text(value):
        yield Answer(path, text)


def recognise(answers: Sequence[Answer]) -> dict[str, Answer]:
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
