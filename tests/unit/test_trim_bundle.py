"""What the build makes smaller keeps its meaning: the same endpoints, the same certificate authorities."""

import json
import re
import shutil
import ssl
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import botocore
import certifi
import pytest
import trim_bundle
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.session import Session

ROOT = Path(__file__).parents[2]
DATA = Path(botocore.__file__).parent / "data"
SERVICES = tuple(trim_bundle.OPERATIONS)
KNOWN = "botocore reads the endpoints' file in another way than functions/trim_bundle.py knows"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle's data after the build, with the installed SDK and authorities."""
    bundle = tmp_path_factory.mktemp("bundle")
    data = bundle / "botocore" / "data"
    data.mkdir(parents=True)
    for file in DATA.glob("*.json"):
        shutil.copyfile(file, data / file.name)
    for service in (*SERVICES, "ec2"):
        shutil.copytree(DATA / service, data / service)
    (bundle / "certifi").mkdir()
    shutil.copyfile(certifi.where(), bundle / "certifi" / "cacert.pem")
    for _ in range(2):  # it can be repeated
        subprocess.run([sys.executable, trim_bundle.__file__, str(bundle)], check=True)
    return bundle


def endpoints(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "endpoints.json").read_bytes())
    return found


def clients(data: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Where each service's client of each region sends its requests, and for which region it signs them."""
    session: Any = Session()
    session.register_component(
        "data_loader", Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    )
    found = {}
    for partition in endpoints(data)["partitions"]:
        for region in partition["regions"]:
            for service in SERVICES:
                client = session.create_client(
                    service, region, aws_access_key_id="x", aws_secret_access_key="x"
                )
                found[region, service] = client.meta.endpoint_url, client._request_signer.region_name
    return found


def test_clients_of_every_region_are_as_with_the_whole_file(bundle: Path) -> None:
    trimmed, whole = clients(bundle / "botocore" / "data"), clients(DATA)
    assert trimmed == whole, KNOWN
    assert len(trimmed) > 100


def test_only_the_services_of_the_endpoints_file_are_cut(bundle: Path) -> None:
    trimmed, whole = endpoints(bundle / "botocore" / "data"), endpoints(DATA)
    for partition in whole["partitions"]:
        assert partition["services"].keys() >= set(SERVICES)
        partition["services"] = {name: partition["services"][name] for name in SERVICES}
    assert trimmed == whole
    assert whole.keys() == {"partitions", "version"}, KNOWN
    assert whole["version"] == 3, KNOWN


def described(data: Path, service: str) -> Any:
    """botocore's model of a service."""
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def as_sent(shape: Any, seen: tuple[str, ...] = ()) -> Any:
    """What serialisers and parsers read of a shape, without its documentation."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    seen = (*seen, shape.name)
    inner = {name: as_sent(member, seen) for name, member in getattr(shape, "members", {}).items()}
    parts = [as_sent(getattr(shape, part, None), seen) for part in ("member", "key", "value")]
    return shape.name, shape.type_name, shape.serialization, shape.metadata, inner, parts


@pytest.mark.parametrize("service", SERVICES)
def test_a_called_operation_is_described_as_before(bundle: Path, service: str) -> None:
    trimmed, whole = described(bundle / "botocore" / "data", service), described(DATA, service)
    assert set(trimmed.operation_names) == set(trim_bundle.OPERATIONS[service])
    assert trimmed.metadata == whole.metadata
    for name in trimmed.operation_names:
        one, other = trimmed.operation_model(name), whole.operation_model(name)
        assert one.http == other.http
        for shapes in ("input_shape", "output_shape"):
            assert as_sent(getattr(one, shapes)) == as_sent(getattr(other, shapes))
        assert list(map(as_sent, one.error_shapes)) == list(map(as_sent, other.error_shapes))


def test_other_services_are_cut(bundle: Path) -> None:
    folders = {path.name for path in (bundle / "botocore" / "data").iterdir() if path.is_dir()}
    assert folders == set(SERVICES)


def test_the_functions_call_the_operations_that_stay_and_no_others() -> None:
    code = "".join(file.read_text() for file in (ROOT / "functions" / "clemta_intake").rglob("*.py"))
    names = {
        xform_name(name): name for service in SERVICES for name in described(DATA, service).operation_names
    }
    called = set(re.findall(r"\.(\w+)\(", code)) | set(re.findall(r'get_paginator\("(\w+)"\)', code))
    kept = {name for operations in trim_bundle.OPERATIONS.values() for name in operations}
    assert {names[name] for name in called & names.keys()} == kept


def test_p5_every_authority_is_there_once_and_no_other(bundle: Path) -> None:
    def certificates(text: str) -> list[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text)
        return [ssl.DER_cert_to_PEM_cert(der) for der in context.get_ca_certs(binary_form=True)]

    files = [*(bundle / "certifi" / "authorities").iterdir()]
    written = Counter(certificate for file in files for certificate in certificates(file.read_text()))
    assert written == Counter(certificates(Path(certifi.where()).read_text()))
    assert len(files) == sum(written.values()) > 100


def test_authorities_are_named_as_openssl_names_them(bundle: Path, tmp_path: Path) -> None:
    files = [*(bundle / "certifi" / "authorities").iterdir()]
    for file in files:
        shutil.copyfile(file, tmp_path / f"{file.name}.pem")
    subprocess.run([*["openssl", "rehash"], str(tmp_path)], check=True)
    links = {link.name: link.resolve() for link in tmp_path.iterdir() if link.is_symlink()}
    assert links.keys() == {file.name for file in files}


SUBJECTS = [
    ("/C=TR/O=Ada  Çelik\t A.Ş./CN= Root ", "utf8only"),
    ("/C=TR/O=Çelik/CN=Root", "MASK:0x800"),  # BMPString
    ("/C=TR/O=Ada Ltd./CN=Root", "nombstr"),  # PrintableString
    ("/CN=ROOT+O=Ada Ltd./DC=Example", "utf8only"),
    (f"/O={'A' * 60}/OU={'b' * 60}/CN=Root", "utf8only"),
    (f"/CN={'A' * 64}+O={'b' * 64}", "utf8only"),  # lengths of more than one byte
]


@pytest.mark.parametrize(("subject", "encoding"), SUBJECTS)
def test_hash_of_a_subject_is_openssls(tmp_path: Path, subject: str, encoding: str) -> None:
    settings = tmp_path / "openssl.cnf"
    settings.write_text(f"[req]\nstring_mask = {encoding}\ndistinguished_name = dn\n[dn]\n")
    request = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -utf8 -multivalue-rdn"
    )
    options = ["-config", str(settings), "-subj", subject, "-keyout", str(tmp_path / "key")]
    made = subprocess.run([*request.split(), *options], check=True, capture_output=True, text=True)
    command = ["openssl", "x509", "-noout", "-subject_hash"]
    said = subprocess.run(command, input=made.stdout, check=True, capture_output=True, text=True).stdout
    assert trim_bundle.subject_hash(ssl.PEM_cert_to_DER_cert(made.stdout)) == said.strip()
