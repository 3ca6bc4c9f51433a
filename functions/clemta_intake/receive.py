"""Entry point 1: an API Gateway request becomes an HTTP answer. Every submission starts here."""

from . import coldstart

coldstart.pause_garbage_collector()

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from . import __version__, telemetry
from .dependencies import Dependencies, dependencies, prepare
from .errors import UnknownSource
from .gateway import Request, as_event, json_response, refusal, unavailable
from .signup import SignUp

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


class _Resolver(APIGatewayRestResolver):
    """Routes by the resource that API Gateway matched: it is the same under every domain."""

    def resolve(self, event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
        return super().resolve({**event, "path": Request(event, {}).path}, context)


def create_app(deps: Callable[[], Dependencies]) -> APIGatewayRestResolver:
    """The routes, on dependencies that are made when a request first needs them."""
    app = _Resolver()

    def sign_up(source: str) -> SignUp:
        return SignUp(deps(), source, Request.of(app.current_event.raw_event))

    @app.post("/signups/<source>")
    def post(source: str) -> Response[str]:
        return sign_up(source).answer()

    @app.get("/signups/<source>")
    def ready(source: str) -> Response[str]:
        return sign_up(source).ready()

    @app.route("/signups/<source>", method="OPTIONS")
    def preflight(source: str) -> Response[str]:
        return sign_up(source).preflight()

    @app.get("/health")
    def health() -> Response[str]:
        return json_response(200, {"status": "ok", "version": __version__})

    @app.not_found
    def no_route(_: Exception) -> Response[str]:
        # API Gateway hands on only our routes, so this is a source's name that Powertools takes for no path segment.
        return refusal(UnknownSource("unknown_source"))

    return app


app = create_app(dependencies)
coldstart.share_tls_context()
prepare()
coldstart.resume_garbage_collector()


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Whatever goes wrong inside, the sender gets an answer that it can act on."""
    try:
        return app.resolve(event, context)
    except Exception as error:
        telemetry.log_unexpected(error)
        return as_event(unavailable())
