"""console."""

from typing import Annotated

import typer
from rich.text import Text

from .registration import command
from .session import Session

_SECONDS = 5.0  # between two reads of the stack's state

app = typer.Typer()


@command(app, "console", "console --env production")
def console(
    session: Session,
    port: Annotated[int, typer.Option("--port", help="the port on 127.0.0.1; 0 is any free one")] = 8790,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="only print the address")] = False,
) -> None:
    """Opens the operator's page of the stack on 127.0.0.1. It uses your own AWS credentials; Ctrl-C ends it."""
    from ..console.app import HOST, Page
    from ..console.desk import Desk
    from ..console.serve import listen, new_token, serve

    env = session.env
    _ = env.settings  # the stack is there, and it is ours
    desk, token, server = Desk(env), new_token(), listen(port)
    address = f"http://{HOST}:{server.getsockname()[1]}/#{token}"
    session.say(Text(address), {"url": address})
    if not no_browser and not session.as_json and session.out.is_terminal:
        typer.launch(address)
    try:
        serve(server, lambda: desk, Page(env.location.stack_name), token=token, seconds=_SECONDS)
    except KeyboardInterrupt:
        return
