"""The build calls this with the bundle's folder: it makes what a cold start reads smaller. It can be repeated.

botocore reads a service's description and the endpoints of 400 services before it makes a client: only the operations
that are called stay, and the endpoints of their services. OpenSSL reads a file of certificate authorities as a whole,
but looks up those that it needs in a folder of one file each, named by a hash of the subject, as `openssl rehash`
makes it. The authorities are the same.
"""

import gzip
import hashlib
import json
import re
import shutil
import ssl
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = {  # that the functions call, by service
    "dynamodb": ("GetItem", "UpdateItem"),
    "events": ("PutEvents",),
    "logs": ("FilterLogEvents",),
    "secretsmanager": ("GetSecretValue",),
    "sns": ("Publish",),
    "sqs": ("GetQueueAttributes", "SendMessage"),
}
_UNUSED = ("examples-*", "waiters-*")  # of a service's description
# https://docs.openssl.org/3.0/man1/openssl-rehash/
_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)
_VERSION = 0xA0
_UTF8 = 0x0C
_ENCODINGS = {  # of the types that OpenSSL compares as text
    _UTF8: "utf-8",
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # T61String
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


def keep_operations(data: Path) -> None:
    """Leaves in botocore's data the services of OPERATIONS, and of each one's newest description these operations."""
    for folder in [folder for folder in data.iterdir() if folder.is_dir()]:
        *older, newest = sorted(folder.iterdir())
        for unused in older if folder.name in OPERATIONS else [folder]:
            shutil.rmtree(unused)
        if folder.name in OPERATIONS:
            for pattern in _UNUSED:
                for file in newest.glob(pattern):
                    file.unlink()
            _keep_operations_of(newest, OPERATIONS[folder.name])


def _keep_operations_of(folder: Path, names: tuple[str, ...]) -> None:
    """Writes the service's description without other operations, their shapes and documentation, and uncompressed."""
    file, packed = folder / "service-2.json", folder / "service-2.json.gz"
    service = json.loads(gzip.decompress(packed.read_bytes()) if packed.exists() else file.read_bytes())
    service["operations"] = {name: service["operations"][name] for name in names}
    service["shapes"] = _reachable(service)
    packed.unlink(missing_ok=True)
    file.unlink(missing_ok=True)
    file.write_text(json.dumps(_without_documentation(service), separators=(",", ":")))


def _reachable(service: dict[str, Any]) -> dict[str, Any]:
    """The shapes that the operations refer to, directly or through other shapes."""
    shapes, found = service["shapes"], dict[str, Any]()
    left = [*_references(service["operations"])]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = shapes[name]
            left += _references(shapes[name])
    return {name: shapes[name] for name in shapes if name in found}


def _references(value: Any) -> Iterator[str]:
    """The names of the shapes in an operation or a shape."""
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_documentation(inner)
            for key, inner in value.items()
            if key != "documentation" or not isinstance(inner, str)
        }
    return [_without_documentation(inner) for inner in value] if isinstance(value, list) else value


def keep_endpoints(data: Path) -> None:
    """Leaves in botocore's endpoints.json the services that its data folder describes."""
    file = data / "endpoints.json"
    endpoints = json.loads(file.read_bytes())
    services = {folder.name for folder in data.iterdir() if folder.is_dir()}
    for partition in endpoints["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in services
        }
    file.unlink()  # it may be a hard link
    file.write_text(json.dumps(endpoints, separators=(",", ":")))


def hash_authorities(certifi: Path) -> None:
    """Writes each authority of certifi's cacert.pem into the folder `authorities` beside it."""
    folder = certifi / "authorities"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    taken: Counter[str] = Counter()
    for pem in _PEM.findall((certifi / "cacert.pem").read_text(encoding="utf-8")):
        name = subject_hash(ssl.PEM_cert_to_DER_cert(pem))
        (folder / f"{name}.{taken[name]}").write_text(pem)
        taken[name] += 1


def subject_hash(certificate: bytes) -> str:
    """The hash of a DER certificate's subject, as `openssl x509 -subject_hash` prints it."""
    [(_, whole)] = _values(certificate)
    (_, signed), *_ = _values(whole)
    fields = [field for field in _values(signed) if field[0] != _VERSION]
    _serial, _algorithm, _issuer, _validity, (_, subject), *_ = fields
    canonical = b"".join(_encoded(0x31, _canonical_set(parts)) for _, parts in _values(subject))
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return digest[3::-1].hex()


def _canonical_set(parts: bytes) -> bytes:
    """The parts of a relative name: text in UTF-8, in lower case, with single spaces."""
    found = []
    for _, pair in _values(parts):
        (kind, name), (tag, value) = _values(pair)
        if tag in _ENCODINGS:
            text = value.decode(_ENCODINGS[tag]).encode()
            tag, value = _UTF8, b" ".join(text.lower().split())  # bytes.lower is ASCII's alone, as OpenSSL's
        found.append(_encoded(0x30, _encoded(kind, name) + _encoded(tag, value)))
    return b"".join(sorted(found))


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags and contents of the DER values that stand one after the other."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start])
        yield tag, der[start : start + length]
        der = der[start + length :]


def _encoded(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def main() -> None:
    bundle = Path(sys.argv[1])
    keep_operations(bundle / "botocore" / "data")
    keep_endpoints(bundle / "botocore" / "data")
    hash_authorities(bundle / "certifi")


if __name__ == "__main__":
    main()
