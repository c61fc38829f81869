"""The `batchdrop` command line: every subcommand and its options.

Each subcommand imports what it needs only when it is called, so that the command starts quickly.
"""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option
from typer.core import TyperCommand

RUN = "Run it on this machine"
DEMOS = "Watch a demonstration"
OPERATE = "Operate"
MAINTAIN = "Renew generated files"

Real = Annotated[bool, Option("--real", help="OpenAI itself, with the key in OPENAI_API_KEY")]
EnqueuedLimits = Annotated[
    list[str],
    Option(
        "--enqueued-limit",
        metavar="MODEL=TOKENS",
        help="prompt tokens that may be enqueued; MODEL * for every other model",
    ),
]
Quirks = Annotated[
    list[str],
    Option(
        "--quirk",
        metavar="NAME[:TIMES][,KEY=VALUE…]",
        help="misbehave so many times, or always; `batchdrop openai --help` lists the names",
    ),
]
Models = Annotated[
    list[str],
    Option(
        "--model",
        metavar="NAME",
        help="a model that there is besides those of the official client; * is any",
    ),
]
Seconds = Annotated[float | None, Option(metavar="SECONDS")]


def _exit_with(status: int) -> None:
    raise typer.Exit(status)


app = typer.Typer(
    name="batchdrop",
    help="Batchdrop on this machine: a local AWS, a small OpenAI, and the functions between them.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # it would show local variables, and a key is one
    result_callback=_exit_with,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the subcommand and exits with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of ASCII shows ? instead of ×
    app(args=argv, prog_name="batchdrop")


@app.command(rich_help_panel=RUN)
def run(
    file: Annotated[Path, Argument(help="a batch file, one request a line; or a table")],
    out: Annotated[Path, Option(metavar="DIR", help="where the results go")] = Path("out"),
    name: Annotated[str | None, Option(help="the name it is dropped by, if not its own")] = None,
    real: Real = False,
    speed: Annotated[str, Option(help="how fast time passes at the small OpenAI")] = "10",
    quirk: Quirks = [],
    model: Models = [],
    enqueued_limit: EnqueuedLimits = [],
    option: Annotated[list[str], Option(metavar="NAME=VALUE", help="x-amz-meta-NAME")] = [],
    recipe: Annotated[
        Path | None, Option(metavar="FILE", help="of a table: how a row becomes a request")
    ] = None,
) -> int:
    """Drop a file in a world made for it, wait, and fetch the results."""
    from local.cli.run import Order, run

    small_openai = ["--speed", speed]
    small_openai += [word for each in quirk for word in ("--quirk", each)]
    small_openai += [word for each in model for word in ("--model", each)]
    small_openai += [word for each in enqueued_limit for word in ("--enqueued-limit", each)]
    file, out = file.expanduser(), out.expanduser()  # make FILE=~/x leaves the ~ to us
    beside = recipe and recipe.expanduser()
    return run(Order(file, out, name or file.name, real, small_openai, _pairs(option), beside))


@app.command("try", rich_help_panel=RUN)
def try_(
    table: Annotated[Path, Argument(help="a table: .csv, .tsv or .parquet")],
    recipe: Annotated[Path, Option(metavar="FILE", help="how a row becomes a request")],
    rows: Annotated[int, Option(help="how many requests to show")] = 3,
) -> int:
    """Show the first requests that a recipe makes of a table; nothing is sent."""
    from local.cli.try_table import main

    return main(table.expanduser(), recipe.expanduser(), rows)


@app.command(rich_help_panel=RUN)
def estimate(
    file: Annotated[Path, Argument(help="a batch file, or a table with --recipe")],
    recipe: Annotated[
        Path | None, Option(metavar="FILE", help="of a table: how a row becomes a request")
    ] = None,
    once: Annotated[bool, Option("--once", help="as with the option duplicates=once")] = False,
    json: Annotated[bool, Option("--json", help="for programs")] = False,
) -> int:
    """Say what a file would cost at OpenAI's batch prices; nothing is sent."""
    from local.cli.estimate import main

    beside = recipe and recipe.expanduser()
    return main(file.expanduser(), beside, once=once, as_json=json)


@app.command(rich_help_panel=RUN)
def up(real: Real = False) -> int:
    """Make a world and leave it running."""
    from local.world.up_down import up

    return up(real)


@app.command(rich_help_panel=RUN)
def down(real: Annotated[bool, Option("--real", hidden=True)] = False) -> int:
    """Stop the world that is up."""
    from local.world.up_down import down

    return down()


class _ListsQuirks(TyperCommand):
    """Adds the names of quirks to the help; they are imported only to be shown."""

    def get_help(self, ctx: Any) -> str:
        from local.openai.serving.command import names

        return f"{super().get_help(ctx)}\n{names()}\n"


@app.command(cls=_ListsQuirks, rich_help_panel=RUN)
def openai(
    port: Annotated[int, Option(help="0 takes any free one")] = 0,
    host: str = "127.0.0.1",
    seed: Annotated[int, Option(help="the same seed, the same answers")] = 0,
    speed: Annotated[float | None, Option(help="how fast time passes; 1 is OpenAI's pace")] = None,
    validating: Seconds = None,
    working: Seconds = None,
    per_request: Seconds = None,
    finalizing: Seconds = None,
    cancelling: Seconds = None,
    answer_padding: Annotated[int, Option(metavar="BYTES", help="longer chat answers")] = 0,
    model: Models = [],
    enqueued_limit: EnqueuedLimits = [],
    quirk: Quirks = [],
    everyday: Annotated[
        bool, Option("--everyday", help="an audit log of invented people at their work")
    ] = False,
) -> int:
    """Serve the small OpenAI alone, for the official client."""
    from local.openai.serving.command import serve
    from local.openai.settings import SmallSettings

    pace: dict[str, Any] = {
        "speed": speed,
        "validating": validating,
        "working": working,
        "per_request": per_request,
        "finalizing": finalizing,
        "cancelling": cancelling,
    }
    limits = {model: int(tokens) for model, tokens in _pairs(enqueued_limit).items()}
    settings = SmallSettings(
        **{name: seconds for name, seconds in pace.items() if seconds is not None},
        answer_padding=answer_padding,
        models=tuple(model),
        enqueued_limits=limits,
        everyday=everyday,
    )
    return serve(settings, seed, quirk, (host, port))


@app.command(rich_help_panel=DEMOS)
def audit(
    full: Annotated[bool, Option("--full", help="every alert as it is sent")] = False,
) -> int:
    """Play a theft in the audit log and show the alerts."""
    from local.demos.audit_demo import main

    return main(full=full)


@app.command(rich_help_panel=DEMOS)
def demo(
    scene: Annotated[Literal["theft"], Argument(help="what to play into the audit log")],
) -> int:
    """Play a scene into the audit log of the world that is up (make up), and show its alerts."""
    from local.demos.audit_demo import play_in_standing_world

    return play_in_standing_world()


@app.command(rich_help_panel=DEMOS)
def library() -> int:
    """Keep a folder of documents in sync and ask it questions."""
    from local.demos.library_demo import main

    return main()


@app.command(rich_help_panel=OPERATE)
def replay(
    file: Annotated[list[str], Argument(help="JSON lines, also gzipped; - reads standard input")],
    config: Annotated[
        Path | None, Option(help="the detections' YAML; without it the defaults")
    ] = None,
    rules: Annotated[Path | None, Option(metavar="FOLDER", help="rules of your own too")] = None,
    incidents: Annotated[bool, Option("--incidents", help="one line an incident")] = False,
) -> int:
    """Run audit events through the detections and print the alerts; nothing is touched.

    The alerts are JSON lines. Status 0: all was read. 1: something was not. 2: nothing was.
    """
    from local.ops.replay_audit import main

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # the encoding of JSON, whatever the terminal's
    return main(file, config, rules, incidents=incidents)


@app.command(rich_help_panel=OPERATE)
def rules(
    action: Annotated[Literal["test", "export"], Argument(help="what to do with them")],
    folder: Annotated[Path, Argument(help="where the rules are, or go to")],
) -> int:
    """Test the rules of your own in a folder, or export this project's detections as Sigma rules.

    Status 0: every rule can be used, and its tests pass. 1: some can't. 2: there is none.
    """
    from local.ops.audit_rules import export, test

    return test(folder) if action == "test" else export(folder)


@app.command(rich_help_panel=OPERATE)
def verify(
    first: Annotated[str, Option("--from", metavar="YYYY-MM-DD", help="the first day")],
    last: Annotated[str, Option("--to", metavar="YYYY-MM-DD", help="the last day")],
    stack: str = "batchdrop",
    bucket: Annotated[str | None, Option(help="the audit bucket, if not the stack's")] = None,
) -> int:
    """Prove from S3 alone that no audit event is missing, altered or added.

    Status 0: every day is proved. 1: some are not. 2: the bucket could not be read.
    """
    from local.ops.verify_audit import main

    return main(first, last, stack, bucket)


@app.command(rich_help_panel=OPERATE)
def investigate(
    value: Annotated[
        list[str],
        Argument(help="an actor, e-mail, key, address, JA4 or project; or an event's id"),
    ],
    since: Annotated[str | None, Option(metavar="TIME", help="ISO 8601; else a week ago")] = None,
    until: Annotated[str | None, Option(metavar="TIME", help="ISO 8601; else now")] = None,
    stack: str = "batchdrop",
    as_json: Annotated[bool, Option("--json", help="a JSON object an event")] = False,
) -> int:
    """Print what the audit log knows of somebody or something, by time; an event's id: all of it.

    Status 0: some was found. 1: nothing. 2: the table could not be read.
    """
    from local.ops.investigate_audit import Question, main

    return main(Question(value, since, until, as_json), stack)


@app.command(rich_help_panel=OPERATE)
def doctor(
    stack: Annotated[str, Option(help="its name, or the one it shall have")] = "batchdrop",
) -> int:
    """Ask what is wrong with the account, the keys and the stack, before or after a deploy.

    Status 0: no problem. 1: there are some. 2: nothing could be asked.
    """
    import boto3

    from local.ops.doctor.command import main

    return main(boto3.Session(), stack)


@app.command(rich_help_panel=OPERATE)
def webhook(
    action: Annotated[Literal["on", "off", "rotate", "test"], Argument()],
    stack: str = "batchdrop",
) -> int:
    """Have OpenAI tell a stack that a batch has ended, so that its results land in seconds.

    Status 0: it is done. 1: it is not, and why. 2: the stack could not be asked.
    """
    from local.ops.webhooks import main

    return main(action, stack)


@app.command(rich_help_panel=OPERATE)
def adopt(
    stack: str = "batchdrop",
    table: Annotated[
        list[str], Option(metavar="NAME=TABLE", help="which table, where several may be meant")
    ] = [],
) -> int:
    """Import a deleted stack's buckets and tables into a new stack."""
    from local.ops.import_resources import main

    return main(stack, _pairs(table))


@app.command(rich_help_panel=MAINTAIN)
def parameters() -> int:
    """Renew the generated tables of docs/reference.md."""
    from local.build.update_reference import main

    return main(app.registered_commands)


@app.command(rich_help_panel=MAINTAIN)
def prices() -> int:
    """Renew the table of OpenAI's batch prices."""
    from local.build.update_prices import main

    return main()


def _pairs(options: Sequence[str]) -> dict[str, str]:
    for each in options:
        if "=" not in each:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE")
    return dict(each.split("=", 1) for each in options)
