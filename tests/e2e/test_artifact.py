"""What `sam build` made is whole, compiled and small."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.processes import ROOT
from local.sam import ensure_build

PROBE = """
import json, os, sys
bundle = sys.argv[1]
compiled = []
sys.addaudithook(lambda event, args: compiled.append(str(args[1])) if event == "compile" else None)
sys.path.insert(0, bundle)
os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
import boto3
from clemta_intake import receive, redeliver
from clemta_intake.sources import normalise
import idna, multipart
for service in ("dynamodb", "secretsmanager", "sqs"):
    boto3.client(service)
files = [str(vars(module).get("__file__")) for module in sys.modules.values()]
print(json.dumps({
    "compiled": [name for name in compiled if name.startswith(bundle)],
    "country": [normalise.country(name)["iso_code"] for name in ("Almanya", "España", "US", "Polska", "日本", "中国")],
    "outside": [name for name in files if "site-packages" in name],
}))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_build(None, tmp_path_factory.mktemp("build") / "log") / "ReceiveFunction"


def test_every_function_has_the_same_bundle(bundle: Path) -> None:
    zipped = [*bundle.parent.glob("*Function.zip")]
    assert len(zipped) == 5
    assert all(file.samefile(bundle.with_suffix(".zip")) for file in zipped), "equal bundles are zipped once"


def test_every_module_ships_with_its_bytecode(bundle: Path) -> None:
    sources = list(bundle.rglob("*.py"))
    assert len(sources) > 500
    for source in sources:
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        flags = int.from_bytes(bytecode.read_bytes()[4:8], "little")
        assert flags == 0b01, (
            f"{source.name}: the bytecode must hold whatever the file's time (unchecked-hash)"
        )


def test_bundle_runs_on_its_own_modules_and_compiles_nothing(bundle: Path) -> None:
    before = sorted(bundle.rglob("*"))
    base = Path(sys.executable).resolve()
    command = [str(base), "-I", "-S", "-c", PROBE, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "compiled": [],
        "country": ["DE", "ES", "US", "PL", "JP", "CN"],
        "outside": [],
    }
    assert sorted(bundle.rglob("*")) == before, "nor does it write"


def test_one_bundle_runs_on_either_processor(bundle: Path) -> None:
    compiled = {library.name.split("-", 2)[2] for library in (bundle / "pydantic_core").glob("*.so")}
    assert compiled == {"x86_64-linux-gnu.so", "aarch64-linux-gnu.so"}


def test_bundle_holds_only_what_runs_in_lambda(bundle: Path) -> None:
    ours = {path.name for path in (bundle / "clemta_intake").iterdir()} - {"__pycache__"}
    assert ours == {path.name for path in (ROOT / "functions" / "clemta_intake").iterdir()} - {"__pycache__"}
    assert not {"pytest", "ops", "local", "bench", "tools", "tests", "aws_xray_sdk"} & {
        path.name for path in bundle.iterdir()
    }
    assert (bundle / "sources.toml").read_bytes() == (ROOT / "functions" / "sources.toml").read_bytes()


def test_bundle_is_small(bundle: Path) -> None:
    assert bundle.with_suffix(".zip").stat().st_size < 25_000_000


def test_every_package_ships_with_the_text_of_its_licence(bundle: Path) -> None:
    packages = list(bundle.glob("*.dist-info"))
    assert len(packages) == len((ROOT / "functions" / "requirements.txt").read_text().splitlines())
    for package in packages:
        names = {path.name.lower() for path in package.rglob("*") if path.is_file()}
        assert any(re.match(r"licen[cs]e|copying", name) for name in names), package.name
