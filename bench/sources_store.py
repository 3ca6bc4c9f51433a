"""What reading the live sources costs, in the ledger table and in SSM: `python -m bench.sources_store`, needs valgrind.

M instructions from process start to the first contact, and of a contact once the process is warm. For `each request`
the age limit is 0, so that the warm figure has one read a request; otherwise a read is due every 5 seconds.
"""

import shutil
from pathlib import Path

from bench import bundles
from bench.bundles import OURS
from bench.certificate import make_certificate
from bench.levers import replaced
from bench.runner import Handler, Runner, require_valgrind
from bench.setting import setting
from local.clients import aws_client

_READ = "PushedSources(self._table).read,"
_SSM = """
def read_parameter():
    import boto3
    from botocore.exceptions import ClientError
    global ssm
    ssm = globals().get("ssm") or boto3.client("ssm")
    try:
        found = ssm.get_parameter(Name="sources")["Parameter"]
        return Pushed(str(found["Version"]), found["Value"])
    except ClientError:
        return DEPLOYED
"""
_IMPORT = "from .live_sources import LiveSources\n"
_IMPORTS = "from .live_sources import DEPLOYED, LiveSources, Pushed\n"
TEXT = '[sources.website]\nkind = "form"\n' + "".join(
    f'[sources.shop{number}]\nkind = "webhook"\n'
    f'auth = {{ scheme = "hmac", header = "x-signature", secret = "s{number}" }}\n'
    f'[sources.shop{number}.contact]\nfull_name = "body.name"\nemail = "body.email"\n'
    for number in range(20)
)


def main() -> None:
    """Prints one line for each place."""
    require_valgrind()
    with bundles.work_folder() as folder:
        certfile, keyfile = make_certificate(Path(folder))
        with setting(certfile, keyfile) as (clemta, environment):
            runner = Runner(clemta, environment, certfile)
            for name, text in (("nothing pushed", ""), (f"{len(TEXT):,} characters pushed", TEXT)):
                if text:
                    _push(environment["AWS_ENDPOINT_URL"], str(certfile), text)
                for place in ("nowhere", "the table", "SSM"):
                    cold = runner.instructions(_reading(runner, place), "created", 1)
                    warm = runner.warm_instructions(_reading(runner, place, each_request=True))
                    print(
                        f"{name:24} {place:10} {cold:6,} M to the first contact, {warm:6.2f} M a contact",
                        flush=True,
                    )


def _push(url: str, authorities: str, text: str) -> None:
    item = {"pk": {"S": "sources"}, "version": {"N": "1"}, "text": {"S": text}}
    aws_client("dynamodb", url, authorities).put_item(TableName="ledger", Item=item)
    aws_client("ssm", url, authorities).put_parameter(
        Name="sources", Value=text, Type="String", Tier="Advanced"
    )


def _reading(runner: Runner, place: str, *, each_request: bool = False) -> Handler:
    """Our bundle, with the live sources read in this place."""
    folder = runner.trusting(bundles.shipped())
    if each_request:
        replaced("live_sources.py", ("MAX_AGE = 5", "MAX_AGE = 0"))(folder)
    if place == "nowhere":
        replaced("dependencies.py", (_READ, "lambda: DEPLOYED,"), (_IMPORT, _IMPORTS))(folder)
    if place == "SSM":
        shutil.copytree(
            bundles.reference("lean") / "botocore" / "data" / "ssm", folder / "botocore" / "data" / "ssm"
        )
        replaced(
            "dependencies.py",
            (_READ, "read_parameter,"),
            (_IMPORT, _IMPORTS),
            ("class Clients", f"{_SSM}\n\nclass Clients"),
        )(folder)
    return Handler(folder, OURS)


if __name__ == "__main__":
    main()
