"""A self-signed certificate for this machine."""

import subprocess
from pathlib import Path


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """The files of a certificate for 127.0.0.1 and of its key; FileNotFoundError without openssl."""
    certfile, keyfile = folder / "cert.pem", folder / "key.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=x"
    options = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(keyfile), "-out", str(certfile)]
    subprocess.run([*request.split(), *options], check=True, capture_output=True)
    return certfile, keyfile
