"""`handoff dashboard`: pages that show what happens, and why something waits."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from handoff.cli.extras import of_extra
from handoff.cli.listening import in_urls, is_loopback, listen, url_of
from handoff.cli.options import Asked, shared_options

PORT = 8290


@click.command(short_help="Show it all in a browser, and why something waits.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 = any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--write",
    is_flag=True,
    help="Let pages act: drain and undrain nodes; cancel, retry and delete functions; pause and run schedules.",
)
@click.option("--user", help="Who may look: asked for by the browser, with the password.")
@click.option(
    "--password-file",
    metavar="PATH",
    help="The first line is his password.",
)
@shared_options
@click.pass_obj
def dashboard(asked: Asked, port: int, host: str, write: bool, user: str | None, password_file: str | None) -> None:
    """Serve the dashboard at http://127.0.0.1:8290 until Ctrl-C. It only looks, unless --write.

    Beyond this machine, by --host, it tells everybody who can reach it: give --user and --password-file then, and have
    a proxy encrypt what is sent. In an application of your own mount `handoff.dashboard.app(cluster)` instead.
    """
    if not host:
        raise click.BadParameter("it is empty: give an address, 0.0.0.0 for all there are", param_hint="--host")
    password = _password(user, password_file)
    with of_extra("dashboard", "the dashboard"):
        from handoff.dashboard.serving import serve
    is_here = is_loopback(host)
    if password is None and not is_here:
        asked.tell(f"Whoever can reach {host} may look{' and act' if write else ''}: --user keeps others out.")
    with asked.cluster() as cluster:
        # Who has mistaken the address is told here, and not by each page.
        cluster.store.read("PING")
        with closing(listen(host, port)) as listener:
            url = url_of(listener, host)
            asked.tell(f"The dashboard is at {url}, until Ctrl-C.", url=url)
            only_here = in_urls(host) if is_here else None
            serve(cluster, listener, only_here=only_here, write=write, user=user, password=password)


def _password(user: str | None, file: str | None) -> str | None:
    if (user is None) != (file is None):
        raise click.UsageError("--user and --password-file go together: give both")
    if file is None:
        return None
    try:
        password = (Path(file).read_text(errors="replace").splitlines() or [""])[0]
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"it cannot be read ({error})", param_hint="--password-file") from error
    if not password:
        raise click.BadParameter(
            f"the first line of {file} is empty: write the password there", param_hint="--password-file"
        )
    return password
