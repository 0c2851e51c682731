"""What all commands take: which Redis, which namespace, and whether a program reads the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from handoff.cli.output import to_json
from handoff.client.cluster import Cluster
from handoff.client.settings import DEFAULT_TIMEOUT_S
from handoff.words.address import DEFAULT_NAMESPACE

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(slots=True)
class Asked:
    """What was asked for by the options of the command, else by the same ones before its name."""

    url: str | None = None
    namespace: str | None = None
    as_json: bool = False

    def cluster(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> Cluster:
        """The cluster that was asked for: a context manager."""
        try:
            return Cluster(self.url, namespace=self.namespace or DEFAULT_NAMESPACE, timeout=timeout_s)
        except ValueError as error:
            raise click.UsageError(f"The address of Redis is not one ({error})") from error

    def tell(self, text: str, **facts: Any) -> None:
        """Say on stderr what is to be known beside the answer; to programs as one line of JSON, with `facts`."""
        click.echo(to_json({"notice": text.strip(), **facts}) if self.as_json else text, err=True)

    def arguments(self) -> list[str]:
        """The same as arguments of another command."""
        url = ["--url", self.url] if self.url is not None else []
        namespace = ["--namespace", self.namespace] if self.namespace is not None else []
        return [*url, *namespace, *(["--json"] if self.as_json else [])]


def shared_options(command: Decorated) -> Decorated:
    """Add the options, whose values go to `Asked` and not to the command's parameters."""
    for option in (
        _option("--json", "as_json", is_flag=True, help="Print JSON, for programs: on stderr too, an object a line."),
        _option("--namespace", help=f"Whose functions and nodes.  [default: {DEFAULT_NAMESPACE}]"),
        _option("--url", help="Address of Redis.  [default: HANDOFF_REDIS_URL, REDIS_URL or the local server]"),
    ):
        command = option(command)
    return command


def _option(*names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    return click.option(*names, expose_value=False, callback=_note, **attributes)


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    asked = context.ensure_object(Asked)
    if value == "":
        raise click.BadParameter("it is empty: give it a value, or leave it out", context, parameter)
    if value and parameter.name is not None:
        setattr(asked, parameter.name, value)
