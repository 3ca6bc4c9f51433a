"""The build calls this with the bundle's folder: it makes what a cold start reads smaller. It can be repeated.

botocore reads the endpoints of 400 services before it makes a client: only those of the services that the bundle
describes stay. OpenSSL reads a file of certificate authorities as a whole, but looks up those that it needs in a folder
of one file each, named by a hash of the subject, as `openssl rehash` makes it. The authorities are the same.
"""

import hashlib
import json
import re
import shutil
import ssl
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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
    keep_endpoints(bundle / "botocore" / "data")
    hash_authorities(bundle / "certifi")


if __name__ == "__main__":
    main()
