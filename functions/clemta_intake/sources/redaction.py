"""What goes nowhere, neither to Clemta nor into a queue (P4): passwords, card numbers, codes, captcha and CSRF tokens.

A field is one of them if its declared type or the head of its name or label says so: "Confirm your password", but not
"Password hint", "E-mail for your password" or "Nickname (not your password)". Pure, and linear in what it is given.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..bodies.forms import Part
from ..bodies.json_text import parse_json
from ..bodies.limits import MAX_FIELDS
from ..errors import Unreadable

_MAX_NAME = 200  # characters of a name or label that are looked at
_MAX_NESTED = 2  # JSON in a text, in JSON in a text


# The words, by language: en, tr, de, es, fr. Everything else below is the same for all of them. They are written as
# `_words` gives them: lower case, without accents, "Kreditkartennummer" as one word, "card number" as two.

# Say so wherever they are the head.
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
# Say so unless another word of the name says what else is meant.
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
_OTHERWISE = (
    "loyalty member membership business visiting id identity identification gift library student customer client club"
    " bonus reward rewards points insurance health medical national social sim discount coupon voucher travel resident"
    " residence report access staff employee press fuel driver drivers green aadhaar vaccination donor",
    "sadakat uye uyelik kimlik ogrenci musteri hediye puan indirim saglik sigorta",
    "kunden mitglieds mitglied ausweis bonus geschenk studenten versicherung gesundheits",
    "fidelidad socio cliente identidad regalo sanitaria puntos miembro residencia estudiante",
    "fidelite identite vitale sejour membre cadeau etudiant adherent visite",
)
# Say so too of a confirmation code, but of no card: "order_card_number" is what pays for the order.
_ORDERS = "booking reservation order flight hotel"
# Say so alone, or beside a word for an account.
_ALONE = "pass pw clave turnstile"
_ACCOUNT = "user login account admin wp email mail"

# May stand before the head without being it.
_BEFORE = (
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
# May stand behind it.
_BEHIND = (
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
# Make what follows a remark on the head: "Password for the members' area", "Mot de passe du compte".
_REMARK = (
    "for of to from in on at with via by that which you we must should is are will would do if as min minimum max"
    " maximum or and between only used",
    "",
    "fur zum zur zu von vom des der dem im mit aus auf muss mindestens oder und",
    "de del para por en con al minimo debe que o y",
    "de du des pour par dans au aux avec d doit que ou et",
)
# What follows these is no head: "E-mail for your password".
_RELATION = (
    "for of to from in on at with via by that about regarding",
    "",
    "fur zum zur zu von vom des der im mit per uber",
    "de del para por en con sobre",
    "de du des pour par dans sur avec d",
)
# Nor what follows these, wherever they stand: "not your password".
_NEGATION = ("not no never without", "", "nicht kein keine ohne", "no sin", "non pas sans")
# Questions that nobody answers with a secret.
_QUESTIONS = (
    "where how when why who do did does have has would can could forgot forgotten forget",
    "",
    "wo wann warum haben hast akzeptieren",
    "donde como cuando olvidaste olvido acepta aceptan",
    "comment quand pourquoi avez acceptez",
)
_NUMBERING = "step question q field adim soru schritt frage paso pregunta etape"
# Words in which these stand at the end, or before a word of `_BEHIND`: "userpassword", "passwordconfirm".
_STEMS = ("password", "passwort", "kennwort", "passwd", "pwd", "contrasena", "motdepasse", "sifre", "captcha")
_SHORTEST = 3
_CSRF = ("csrf", "xsrf")
_LARAVEL = "_token"  # "token" alone is the id of a Typeform response
_OWN_ADDRESS = "webhookURL"  # Jotform sends the address that it posts to, with our token in it


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
_IN_PARTS = frozenset(["label", "title", "question", "field"])
"""What may describe by an object of its own, as Typeform's {"field": {"id", "type", "ref"}}."""
_OF_PERSONS = frozenset(["name", "title"])
"""What describes no field beside an e-mail address: there it is a person's, and Parola is a surname."""
_NO_ANSWERS = frozenset(["options", "choices"])
_COPY = "pretty"
"""Jotform's text of all answers, beside the JSON in a text that holds them."""


def _all(languages: Iterable[str], separator: str | None = None) -> frozenset[str]:
    return frozenset(word.strip() for words in languages for word in words.split(separator) if word.strip())


_before, _behind, _remark = _all(_BEFORE), _all(_BEHIND), _all(_REMARK)
_relation, _negation, _questions, _otherwise = map(_all, (_RELATION, _NEGATION, _QUESTIONS, _OTHERWISE))
_alone, _account, _numbering = _all([_ALONE]), _all([_ACCOUNT]), _all([_NUMBERING])
_orders = _all([_ORDERS])
_passed = _numbering | _before | _all(["login account user"])  # "Account: Password"
_kinds = frozenset(["type", "types"])  # "Pass type", but "Type your pass"

_WORD = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+"
)  # "userPassword2": user, Password, 2
_TAG = re.compile(r"<[^<>]*>")
_CLAUSE = re.compile(r"\(|\s[\[{]|:(?=\s|$)|[,;?!|\n\u2013\u2014]|\s-\s|\.\s")
_MAX_CLAUSES = 4

_PHRASES: dict[str, Any] = {}
"""Word -> what may follow; under "" ends a phrase, and says whether it is only likely."""
for _languages, _only_likely in ((_SECRETS, False), (_LIKELY, True)):
    for _phrase in _all(_languages, ","):
        _node = _PHRASES
        for _word in _WORD.findall(_phrase):
            _node = _node.setdefault(_word, {})
        _node[""] = _only_likely


@dataclass(frozen=True, slots=True)
class Redacted:
    """`data` without what goes nowhere, the same object if there is none of it; `left_out` names it."""

    data: Any
    left_out: tuple[str, ...]


def redact(data: Any) -> Redacted:
    """Leaves out of JSON-like data what goes nowhere. A field without a value stays: there is nothing to hide."""
    redactor = _Redactor()
    redactor.learn(data)
    cleaned = redactor.clean(data)
    if isinstance(cleaned, dict) and redactor.is_secret_item(cleaned):  # the whole is no item of a list
        cleaned = {key: value for key, value in cleaned.items() if key not in _VALUES}
        redactor.left_out.append("value")
    return Redacted(cleaned, tuple(redactor.left_out))


@lru_cache(maxsize=1024)
def says_secret(name: str) -> bool:
    """Whether a field of that name, label or type goes nowhere; of a long one the beginning counts."""
    if name.lower() == _LARAVEL:
        return True
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("ß", "ss"))
        name = "".join(letter for letter in name if not unicodedata.combining(letter))
    if "<" in name:
        name = _TAG.sub(" ", name)
    for clause in _CLAUSE.split(name, _MAX_CLAUSES):  # the first that holds more than "1." or "Required:"
        parts = [[word.lower() for word in _WORD.findall(part)] for part in clause.split("/")]
        if any(
            len(word) > 1 and not word.isdigit() and word not in _passed for part in parts for word in part
        ):
            return any(_says(part) for part in parts if part)
    return False


def _says(words: list[str]) -> bool:
    """Whether the head of these words does: from left to right, each looked at once."""
    if words[0] in _questions:
        return False
    ends = [True] * (len(words) + 1)  # whether a head may end before this word
    for place in range(len(words) - 1, -1, -1):
        word = words[place]
        ends[place] = word in _remark or word.isdigit() or (word in _behind and ends[place + 1])
    otherwise = _otherwise | _orders if "confirmation" in words else _otherwise
    means_else, begun = not otherwise.isdisjoint(words), False
    for place, word in enumerate(words):
        node, end = _PHRASES, place
        while end < len(words) and words[end] in node:
            node, end = node[words[end]], end + 1
            if "" in node and ends[end] and not (node[""] and means_else):
                return True
        if any(stem in word for stem in _CSRF) or (_ends_in_stem(word) and ends[place + 1]):
            return True
        if word in _negation or (begun and word in _relation):
            return False
        begun = begun or not (word in _before or word in _relation or word.isdigit())
    rest = [word for word in words if word not in _before and word not in _account and not word.isdigit()]
    return len(rest) == 1 and rest[0] in _alone and words[-1] not in _kinds


def _ends_in_stem(word: str) -> bool:
    if len(word) < _SHORTEST:
        return False
    for stem in _STEMS:
        _, found, tail = word.rpartition(stem)
        if found:
            return not tail or tail in _behind
    return False


@dataclass(slots=True)
class _Redactor:
    """Goes once through the data."""

    left_out: list[str] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _depth: int = 0
    _in_texts: int = 0
    """Values of the JSON in texts, all texts together."""

    def learn(self, data: Any) -> None:
        """Remembers the ids of fields that are declared apart from their answers, as in Typeform's definition."""
        waiting = [data]
        while waiting:
            value = waiting.pop()
            self._in_texts += len(value) if self._depth else 0
            if isinstance(value, dict):
                if not _EACH_TYPE.isdisjoint(value) and self._is_described_so(value):
                    self._ids.update(str(value[key]) for key in _IDS if isinstance(value.get(key), str | int))
                waiting += [inner for inner in value.values() if isinstance(inner, dict | list)]
            elif isinstance(value, list):
                waiting += [inner for inner in value if isinstance(inner, dict | list)]

    def clean(self, value: Any) -> Any:
        """The value without what goes nowhere; the same object if there is none of it."""
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
        """Whether it is a field with its answer, {label, type, value}, that goes nowhere."""
        if _EACH_VALUE.isdisjoint(item):
            return False
        return any(_is_given(item.get(key)) for key in _VALUES) and self._is_described_so(item)

    def _clean_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        copied = False
        for key, value in fields.items():
            if self._is_secret(key, value):
                self.left_out.append(key[:_MAX_NAME])
            elif key in _NO_ANSWERS and isinstance(value, list):
                kept[key] = value
            else:
                kept[key] = self.clean(value)
                copied = copied or (isinstance(value, str) and kept[key] is not value)
        if copied and kept.pop(_COPY, None):
            self.left_out.append(_COPY)
        return fields if len(kept) == len(fields) and _same(kept.values(), fields.values()) else kept

    def _clean_text(self, value: str) -> str:
        """JSON in a text, as Jotform's `rawRequest` and GitHub's `payload`."""
        text = value.strip()
        if self._depth == _MAX_NESTED or not text or text[0] + text[-1] not in ("{}", "[]"):
            return value
        if self._in_texts > MAX_FIELDS * 2:  # as one text with so many values, it is no answer of a form
            return value
        try:
            data = parse_json(text)
        except Unreadable:
            return value
        self._depth += 1
        self.learn(data)
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
        return self._says(key) or (key == _OWN_ADDRESS and isinstance(value, str) and "token=" in value)

    def _drops_item(self, item: Any) -> bool:
        if not isinstance(item, dict) or not self.is_secret_item(item):
            return False
        names = (item.get(key) for key in ("label", "title", "question", "name", "key", "id"))
        self.left_out.append(next((name[:_MAX_NAME] for name in names if isinstance(name, str)), "value"))
        return True

    def _is_described_so(self, item: dict[str, Any]) -> bool:
        return any(self._says(text) for text in _descriptions(item))

    def _says(self, name: str) -> bool:
        return says_secret(name[:_MAX_NAME]) or name in self._ids


def _descriptions(item: dict[str, Any]) -> Iterator[str]:
    is_person = any("mail" in key.lower() for key in item)
    for key in _DESCRIBE:
        if is_person and key in _OF_PERSONS:
            continue
        value = item.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict) and key in _IN_PARTS:
            yield from (text for text in value.values() if isinstance(text, str))
    if "answer" in item and isinstance(item.get("text"), str):
        yield item["text"]


def _is_given(value: Any) -> bool:
    """Whether there is something in it that could be a secret."""
    return not isinstance(value, bool) and bool(value.strip() if isinstance(value, str) else value)


def _same(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return all(left is right for left, right in zip(one, other, strict=False))
