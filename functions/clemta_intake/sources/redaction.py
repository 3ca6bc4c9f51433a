"""Removes secret fields, which go neither to Clemta nor into a queue (P4).

Secret are passwords, card numbers, codes, captcha and CSRF tokens. A field is secret if its declared type, or the head
word of its name or label, is a secret word: "Confirm your password", but not "Password hint", "E-mail for your
password" or "Nickname (not your password)". Pure, in linear time.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ..bodies.forms import Part
from ..bodies.json_text import parse_json
from ..bodies.limits import MAX_FIELDS
from ..errors import Unreadable

_MAX_NAME = 200  # characters of a name or label that are read
_MAX_NESTED = 2  # levels: JSON in a text, in JSON in a text


# The words, by language: en, tr, de, es, fr. The rules below are the same for all languages. Words are lower case,
# without accents, as `_WORD` finds them: "Kreditkartennummer" is one word, "card number" are two.

# A field with one of these as its head is secret.
_SECRETS = (
    "password, passwords, pass word, passphrase, pass phrase, passcode, pass code, passwd, pwd, pword, psw, pswd,"
    " userpass, loginpass, newpass, confirmpass, passconfirm, repass,"
    " credit card, credit card number, debit card, debit card number, bank card number, payment card number,"
    " creditcard, debitcard, cardnumber, cardnum, cardno, ccnumber, ccnum, ccno, cc number, cc num, cc no,"
    " creditcardnumber, creditcardno, debitcardnumber,"
    " cvv, cvc, ccv, cvn, csc, card verification, card security code, securitycode,"
    " otp, totp, one time code, onetimecode, one time pin, verification code, verificationcode, verify code,"
    " verifycode, verification pin, sms code, smscode, sms pin, 2fa, mfa code, two factor code, authenticator code,"
    " two factor authentication code, authentication code, auth code, login code,"
    " captcha, recaptcha, hcaptcha, altcha, cf turnstile, turnstile response, turnstile token,"
    " csrf, xsrf, nonce, wpnonce, authenticity token, request verification token, request token, form token,"
    " formtoken, security token, securitytoken, anti forgery token, antiforgery token, antiforgerytoken",
    "sifre, sifresi, sifrem, sifreniz, sifrenizi, sifreyi, parola, parolasi, parolam, parolaniz, parolanizi, parolayi,"
    " kredi karti, banka karti, kredi karti no, banka karti no, kredi kartinizin numarasi, banka kartinizin numarasi,"
    " dogrulama kodu, onay kodu, sms kodu, tek kullanimlik kod, tek kullanimlik kodu",
    "passwort, passworts, passwortes, kennwort, kennworts, kennwortes,"
    " kreditkarte, kreditkartennummer, kreditkartennr, kreditkarten nummer, kreditkarten nr,"
    " debitkarte, debitkartennummer, bankkartennummer, kartenprufnummer, kartenprufziffer, sicherheitscode,"
    " bestatigungscode, verifizierungscode, einmalcode, sms tan, smstan, mtan",
    "contrasena, contrasenas, contrasenia, clave de acceso, clave secreta,"
    " tarjeta de credito, tarjeta de debito, tarjeta bancaria,"
    " codigo de verificacion, codigo sms, codigo de un solo uso",
    "mot de passe, mots de passe, mot passe, motdepasse, mdp, code secret,"
    " carte bancaire, carte bleue, carte de credit, carte de paiement, cryptogramme,"
    " code de verification, code sms, code a usage unique",
)
# Secret as a head, unless the name also holds one of _EXCEPTIONS.
_LIKELY = (
    "card number, card num, card no, card nr, number on card, number on your card, number on the card, card code,"
    " cardcode, security code, confirmation code",
    "kart numarasi, kart numaraniz, karti numarasi, kart no, karti no, guvenlik kodu",
    "kartennummer, kartennr, karten nummer, karten nr",
    "numero de tarjeta, numero de la tarjeta, numero de su tarjeta, numero tarjeta, num tarjeta, nro tarjeta,"
    " nro de tarjeta, no de tarjeta, no tarjeta, codigo de seguridad",
    "numero de carte, numero de la carte, numero de votre carte, numero carte, num carte, n de carte, no de carte,"
    " code de securite, code securite",
)
_EXCEPTIONS = (
    "loyalty member membership business visiting id identity identification gift library student customer client club"
    " bonus reward rewards points insurance health medical national social sim discount coupon voucher travel resident"
    " residence report access staff employee press fuel driver drivers green aadhaar vaccination donor",
    "sadakat uye uyelik kimlik ogrenci musteri hediye puan indirim saglik sigorta",
    "kunden mitglieds mitglied ausweis bonus geschenk studenten versicherung gesundheits",
    "fidelidad socio cliente identidad regalo sanitaria puntos miembro residencia estudiante",
    "fidelite identite vitale sejour membre cadeau etudiant adherent visite",
)
# Exceptions for a confirmation code only: "order_card_number" is the number of the card that pays for the order.
_ORDERS = "booking reservation order flight hotel"
# Secret if they are the only word, apart from words of _ACCOUNT.
_ALONE = "pass pw clave turnstile"
_ACCOUNT = "user login account admin wp email mail"

# Words that may come before the head.
_BEFORE_HEAD = (
    "please enter choose create set up type re retype reenter repeat verify confirm confirmation again pick select"
    " provide what which s is are your the a an my new old current desired log sign in and optional required",
    "yeni eski mevcut lutfen",
    "bitte geben sie ihr ihre dein deine neues neue das ein wahlen wahle wiederholen wiederholung bestatigen"
    " bestatigung eingabe aktuelles altes",
    "su tu la el una nueva actual confirmar confirma confirme confirmacion repetir repite repita repeticion crear crea"
    " elige elija escribe escriba introduce introduzca ingrese cual es",
    "votre ton le la un nouveau ancien confirmer confirmez repeter repetez repetition choisir choisissez saisissez"
    " saisir entrez quel est",
)
# Words that may follow the head.
_AFTER_HEAD = (
    "confirm confirmation again repeat repeated retype verify verification check hash digest new old current field"
    " input box text txt value val code number num no token response answer solution required optional plain raw one"
    " two first second",
    "tekrar tekrari tekrarla tekrarlayin onay onayi onayla onaylayin dogrula dogrulayin kodu numarasi girin giriniz"
    " yazin yaziniz belirleyin belirleyiniz olustur olusturun secin zorunlu",
    "wiederholen wiederholung bestatigen bestatigung erneut nochmal nochmals eingeben wahlen festlegen vergeben"
    " erstellen pflichtfeld ein bitte",
    "confirmacion confirmar nuevamente repetir repetida otra vez nueva actual obligatorio obligatoria",
    "confirmation confirmer encore nouveau actuel obligatoire bancaire visuel recu",
)
# Words that start a remark on the head: "Password for the members' area", "Mot de passe du compte".
_REMARK = (
    "for of to from in on at with via by that which you we must should is are will would do if as min minimum max"
    " maximum or and between only used",
    "",
    "fur zum zur zu von vom des der dem im mit aus auf muss mindestens oder und",
    "de del para por en con al minimo debe que o y",
    "de du des pour par dans au aux avec d doit que ou et",
)
# Words after these are no head: "E-mail for your password".
_RELATION = (
    "for of to from in on at with via by that about regarding",
    "",
    "fur zum zur zu von vom des der im mit per uber",
    "de del para por en con sobre",
    "de du des pour par dans sur avec d",
)
# Words after these are no head, wherever these stand: "not your password".
_NEGATION = ("not no never without", "", "nicht kein keine ohne", "no sin", "non pas sans")
# First words of questions whose answer is no secret.
_QUESTIONS = (
    "where how when why who do did does have has would can could forgot forgotten forget",
    "",
    "wo wann warum haben hast akzeptieren",
    "donde como cuando olvidaste olvido acepta aceptan",
    "comment quand pourquoi avez acceptez",
)
_NUMBERING = "step question q field adim soru schritt frage paso pregunta etape"
# A word is secret if it ends with one of these, or with one of these and a word of _AFTER_HEAD: "userpassword",
# "passwordconfirm".
_STEMS = ("password", "passwort", "kennwort", "passwd", "pwd", "contrasena", "motdepasse", "sifre", "captcha")
_SHORTEST = 3
_CSRF = ("csrf", "xsrf")
_LARAVEL = "_token"  # Laravel's CSRF token; "token" is the id of a Typeform response
_WEBHOOK_URL = "webhookURL"  # Jotform sends the URL that it posts to, which contains our token


# How senders describe a field: {"label": "Password", "type": "text", "value": "…"}.
_DESCRIBE = (
    *(
        "label",
        "title",
        "name",
        "key",
        "type",
        "id",
        "ref",
        "question",
        "field",
        "slug",
        "fieldName",
        "fieldType",
    ),
    *("field_type", "inputType", "control_type", "column_id", "column_name"),
)
_TYPES = ("type", "fieldType", "field_type", "inputType", "control_type")
_IDS = ("id", "ref", "key", "slug", "fieldName", "fieldElementId", "column_id")
_VALUES = (
    "value",
    "values",
    "answer",
    "answers",
    "text",
    "string_value",
    "raw_value",
    "response",
    "content",
    "field",
)
_EACH_TYPE, _EACH_VALUE = frozenset(_TYPES), frozenset(_VALUES)
_OBJECT_KEYS = frozenset(["label", "title", "question", "field"])
"""Keys whose description may be an object, as Typeform's {"field": {"id", "type", "ref"}}."""
_PERSON_KEYS = frozenset(["name", "title"])
"""Keys that describe a person if the object also has an e-mail address: Parola is a surname."""
_OPTIONS = frozenset(["options", "choices"])
_TEXT_COPY = "pretty"
"""Jotform's key for a readable copy of all answers."""


def _all(languages: Iterable[str], separator: str | None = None) -> frozenset[str]:
    return frozenset(word.strip() for words in languages for word in words.split(separator) if word.strip())


_before_head, _after_head, _remark = _all(_BEFORE_HEAD), _all(_AFTER_HEAD), _all(_REMARK)
_relation, _negation, _questions, _exceptions = map(_all, (_RELATION, _NEGATION, _QUESTIONS, _EXCEPTIONS))
_alone, _account, _numbering = _all([_ALONE]), _all([_ACCOUNT]), _all([_NUMBERING])
_orders = _all([_ORDERS])
_skipped = _numbering | _before_head | _all(["login account user"])  # "Account: Password"
_type_words = frozenset(["type", "types"])  # "Pass type", but "Type your pass"

# "userPassword2": user, Password, 2
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_TAG = re.compile(r"<[^<>]*>")
_CLAUSE = re.compile(r"\(|\s[\[{]|:(?=\s|$)|[,;?!|\n\u2013\u2014]|\s-\s|\.\s")
_MAX_CLAUSES = 4

_PHRASES: dict[str, Any] = {}
"""A trie of the phrases: word -> next words. The key "" marks a phrase's end; its value is whether it is of _LIKELY."""
for _languages, _is_likely in ((_SECRETS, False), (_LIKELY, True)):
    for _phrase in _all(_languages, ","):
        _node = _PHRASES
        for _word in _WORD.findall(_phrase):
            _node = _node.setdefault(_word, {})
        _node[""] = _is_likely


class Redacted(NamedTuple):
    """`data` without secret fields (the same object if it has none), and the names of the fields left out."""

    data: Any
    left_out: tuple[str, ...]


def redact(data: Any) -> Redacted:
    """Removes the secret fields from JSON-like data. A field without a value stays: it holds no secret."""
    redactor = _Redactor()
    redactor.learn_ids(data)
    cleaned = redactor.clean(data)
    if isinstance(cleaned, dict) and redactor.is_secret_item(
        cleaned
    ):  # `clean` checks only the items of lists
        cleaned = {key: value for key, value in cleaned.items() if key not in _VALUES}
        redactor.left_out.append("value")
    return Redacted(cleaned, tuple(redactor.left_out))


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a field of that name, label or type is secret; of a long text only the first clauses count."""
    if name.lower() == _LARAVEL:
        return True
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("ß", "ss"))
        name = "".join(letter for letter in name if not unicodedata.combining(letter))
    if "<" in name:
        name = _TAG.sub(" ", name)
    for clause in _CLAUSE.split(
        name, _MAX_CLAUSES
    ):  # the first clause with more than "1." or "Required:" decides
        parts = [[word.lower() for word in _WORD.findall(part)] for part in clause.split("/")]
        if any(
            len(word) > 1 and not word.isdigit() and word not in _skipped for part in parts for word in part
        ):
            return any(_is_secret_clause(part) for part in parts if part)
    return False


def _is_secret_clause(words: list[str]) -> bool:
    """Whether the head of these words is a secret word."""
    if words[0] in _questions:
        return False
    ends = [True] * (len(words) + 1)  # whether a head may end before this word
    for place in range(len(words) - 1, -1, -1):
        word = words[place]
        ends[place] = word in _remark or word.isdigit() or (word in _after_head and ends[place + 1])
    exceptions = _exceptions | _orders if "confirmation" in words else _exceptions
    is_exception, begun = not exceptions.isdisjoint(words), False
    for place, word in enumerate(words):
        node, end = _PHRASES, place
        while end < len(words) and words[end] in node:
            node, end = node[words[end]], end + 1
            if "" in node and ends[end] and not (node[""] and is_exception):
                return True
        if any(stem in word for stem in _CSRF) or (_ends_in_stem(word) and ends[place + 1]):
            return True
        if word in _negation or (begun and word in _relation):
            return False
        begun = begun or not (word in _before_head or word in _relation or word.isdigit())
    rest = [
        word for word in words if word not in _before_head and word not in _account and not word.isdigit()
    ]
    return len(rest) == 1 and rest[0] in _alone and words[-1] not in _type_words


def _ends_in_stem(word: str) -> bool:
    if len(word) < _SHORTEST:
        return False
    for stem in _STEMS:
        _, found, tail = word.rpartition(stem)
        if found:
            return not tail or tail in _after_head
    return False


class _Redactor:
    """Redacts one submission's data."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self._ids: set[str] = set()
        self._depth = 0
        self._nested_values = 0  # number of values in all JSON texts together

    def learn_ids(self, data: Any) -> None:
        """Remembers the ids of secret fields that are declared apart from their answers, as Typeform does."""
        pending = [data]
        while pending:
            value = pending.pop()
            self._nested_values += len(value) if self._depth else 0
            if isinstance(value, dict):
                if not _EACH_TYPE.isdisjoint(value) and self._has_secret_description(value):
                    self._ids.update(str(value[key]) for key in _IDS if isinstance(value.get(key), str | int))
                pending += [inner for inner in value.values() if isinstance(inner, dict | list)]
            elif isinstance(value, list):
                pending += [inner for inner in value if isinstance(inner, dict | list)]

    def clean(self, value: Any) -> Any:
        """The value without secret fields; the same object if it has none."""
        if not value:
            return value
        if isinstance(value, dict):
            return self._clean_fields(value)
        if isinstance(value, list):
            kept = [self.clean(item) for item in value if not self._drops_item(item)]
            return value if len(kept) == len(value) and _same(kept, value) else kept
        if isinstance(value, str):
            return self._clean_text(value)
        return value

    def is_secret_item(self, item: dict[str, Any]) -> bool:
        """Whether the item is a secret field with its answer, {label, type, value}."""
        if _EACH_VALUE.isdisjoint(item):
            return False
        return any(_is_given(item.get(key)) for key in _VALUES) and self._has_secret_description(item)

    def _clean_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        copied = False
        for key, value in fields.items():
            if self._is_secret(key, value):
                self.left_out.append(key[:_MAX_NAME])
            elif key in _OPTIONS and isinstance(value, list):
                kept[key] = value
            else:
                kept[key] = self.clean(value)
                copied = copied or (isinstance(value, str) and kept[key] is not value)
        if copied and kept.pop(_TEXT_COPY, None):
            self.left_out.append(_TEXT_COPY)
        return fields if len(kept) == len(fields) and _same(kept.values(), fields.values()) else kept

    def _clean_text(self, value: str) -> str:
        """Cleans JSON in a text, as Jotform's `rawRequest` and GitHub's `payload`; other text stays as it is."""
        text = value.strip()
        if self._depth == _MAX_NESTED or not text or text[0] + text[-1] not in ("{}", "[]"):
            return value
        if (
            self._nested_values > MAX_FIELDS * 2
        ):  # as for a single text with so many values: no form's answer is so large
            return value
        try:
            data = parse_json(text)
        except Unreadable:
            return value
        self._depth += 1
        self.learn_ids(data)
        cleaned = self.clean(data)
        self._depth -= 1
        if cleaned is data:
            return value
        changed = json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))
        return Part(changed, value.place) if isinstance(value, Part) else changed

    def _is_secret(self, key: str, value: Any) -> bool:
        if not _is_given(value):
            return False
        if isinstance(value, dict) and self.is_secret_item(value):
            return True
        return self._is_secret_name(key) or (
            key == _WEBHOOK_URL and isinstance(value, str) and "token=" in value
        )

    def _drops_item(self, item: Any) -> bool:
        if not isinstance(item, dict) or not self.is_secret_item(item):
            return False
        names = (item.get(key) for key in ("label", "title", "question", "name", "key", "id"))
        self.left_out.append(next((name[:_MAX_NAME] for name in names if isinstance(name, str)), "value"))
        return True

    def _has_secret_description(self, item: dict[str, Any]) -> bool:
        return any(self._is_secret_name(text) for text in _descriptions(item))

    def _is_secret_name(self, name: str) -> bool:
        return is_secret_name(name[:_MAX_NAME]) or name in self._ids


def _descriptions(item: dict[str, Any]) -> Iterator[str]:
    is_person = any("mail" in key.lower() for key in item)
    for key in _DESCRIBE:
        if is_person and key in _PERSON_KEYS:
            continue
        value = item.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict) and key in _OBJECT_KEYS:
            yield from (text for text in value.values() if isinstance(text, str))
    if "answer" in item and isinstance(item.get("text"), str):
        yield item["text"]


def _is_given(value: Any) -> bool:
    """Whether the value could hold a secret: it is not empty and not a boolean."""
    return not isinstance(value, bool) and bool(value.strip() if isinstance(value, str) else value)


def _same(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return all(left is right for left, right in zip(one, other, strict=False))
