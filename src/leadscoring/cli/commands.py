"""The commands of the command line: their help, in the order of use, and their errors, which all look alike.

``EXIT_CODES`` has the exit codes of all of them.
"""

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import click

from leadscoring.cli.page import Line, broken, coloured, has_colour, put, show, width_of
from leadscoring.standard_streams import complete_streams, silence
from leadscoring.system_error import why

EXIT_CODES = (
    ("0", "success"),
    ("1", "a file, its data or its model cannot be used as it is"),
    ("2", "the command line is wrong, or the service cannot start with its settings"),
    ("3", "score: some rows were rejected, all others are scored"),
    ("70", "a fault of this program"),
    ("129, 130, 143", "interrupted by SIGHUP, Ctrl-C or SIGTERM; nothing is half-written"),
    ("141", "whoever read standard output has gone, as head does"),
)
FAULT, INTERRUPTED, READER_GONE = 70, 130, 141

NAMES = 26
"""The widest column of names in a list of options or commands; longer names have a line of their own."""

SHOWN = 3
"""The innermost places in the source that the message of a fault names."""


Function = TypeVar("Function", bound=Callable[..., Any])


class Option(click.Option):
    """An option that the help lists under a heading of its own, in the order of the headings."""

    def __init__(self, names: Sequence[str], heading: str = "Options", **rest: Any) -> None:
        super().__init__(names, **rest)
        self.heading = heading


def option(*names: str, heading: str = "Options", **rest: Any) -> Callable[[Function], Function]:
    """Declares an option under a heading of the help."""
    return click.option(*names, cls=Option, heading=heading, **rest)


class Alike(click.Command):
    """What all commands share: the layout of their help, and the way in which they fail."""

    examples: Sequence[str] = ()

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the command; errors are shown in words, and end the process with one of the exit codes."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        complete_streams()
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as failure:
            show_error(failure)
            sys.exit(failure.exit_code)
        except click.Abort:
            show(["Interrupted."], sys.stderr)
            sys.exit(INTERRUPTED)
        except OSError as failure:
            show([Line(f"Error: {failure.filename or 'cannot write'}: {why(failure)}")], sys.stderr)
            sys.exit(1)
        except Exception as fault:
            show([Line(f"Error: {fault_text(fault)}")], sys.stderr)
            sys.exit(FAULT)
        sys.exit(code if isinstance(code, int) else 0)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the arguments; an error knows whose they are, for its advice."""
        with quiet_end():
            try:
                return super().parse_args(ctx, args)
            except click.UsageError as failure:
                failure.ctx = failure.ctx or ctx
                raise

    def invoke(self, ctx: click.Context) -> Any:
        """Runs what the command is for."""
        with quiet_end():
            return super().invoke(ctx)

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click hands it over
        """The options that show the help, the same everywhere."""
        return ["-h", "--help"]

    def get_help(self, ctx: click.Context) -> str:
        """The help, as wide as the terminal."""
        width, colour = width_of(sys.stdout), has_colour(sys.stdout)
        lines = [
            coloured(part, line.style) if colour else part
            for line in self.help_lines(ctx)
            for part in broken(line, width)
        ]
        return "\n".join(lines).rstrip()

    def help_lines(self, ctx: click.Context) -> list[Line]:
        """The lines of the help: usage, what the command does, examples, options under their headings."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        lines = [Line(f"Usage: {ctx.command_path} {pieces}", "heading"), Line("")]
        lines += prose(self.help or "")
        if self.examples:
            lines += [Line("Examples:", "heading"), *(Line(f"  {one}", "command") for one in self.examples), Line("")]
        lines += self.lists(ctx)
        return lines + prose(self.epilog or "")

    def lists(self, ctx: click.Context) -> list[Line]:
        """The options under their headings."""
        found: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None and not isinstance(one, click.Argument):
                found.setdefault(getattr(one, "heading", "Options"), []).append(record)
        last = [found["Options"].pop()] if "Options" in found else []  # --help stands at the end
        if last:
            found.setdefault(list(found)[-1], []).extend(last)
        found = {heading: records for heading, records in found.items() if records}
        return [line for heading, records in found.items() for line in definitions(heading, records)]


class Command(Alike):
    """A command with examples, which work as they are printed."""

    def __init__(self, *names: Any, examples: Sequence[str] = (), **rest: Any) -> None:
        super().__init__(*names, **rest)
        self.examples = examples


class Group(Alike, click.Group):
    """A group of commands, which its help lists in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click hands it over
        """The names of all commands, in the order of use."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds a command; the error for one that does not exist names those that do."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"there is no command {args[0]!r}{nearest(args[0], self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)

    def lists(self, ctx: click.Context) -> list[Line]:
        """The commands, then the options."""
        names = self.list_commands(ctx)
        found = [(name, command) for name in names if (command := self.get_command(ctx, name)) is not None]
        records = [(name, command.get_short_help_str(limit=200)) for name, command in found if not command.hidden]
        return [*definitions("Commands", records), *super().lists(ctx)]


@contextmanager
def quiet_end() -> Iterator[None]:
    """Ends the process without an error if whoever read standard output has gone: they have seen enough."""
    try:
        yield
    except BrokenPipeError:
        silence(sys.stdout)
        sys.exit(READER_GONE)


def prose(text: str) -> list[Line]:
    r"""The paragraphs of a help text; the lines of one that begins with ``\b`` stay as they are."""
    lines = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            lines += [Line(f"  {line}".rstrip()) for line in part.lstrip("\b\n").split("\n")]
        elif part:
            lines.append(Line("  " + " ".join(part.split()), hang=2))
        lines += [Line("")] if part else []
    return lines


def definitions(heading: str, records: Sequence[tuple[str, str]]) -> list[Line]:
    """A list of names with what each means, under a heading."""
    deep = min(max(len(name) for name, _ in records), NAMES)
    lines = [Line(f"{heading}:", "heading")]
    for name, words in records:
        if len(name) > deep:
            lines += [Line(f"  {name}"), Line(" " * (deep + 4) + words, hang=deep + 4)]
        else:
            lines.append(Line(f"  {name:<{deep}}  {words}", hang=deep + 4))
    return [*lines, Line("")]


def show_error(failure: click.ClickException) -> None:
    """Shows an error: what is wrong, and for wrong usage an example and where the options are.

    An error with the attribute ``one_line`` is written as one line, however long it is.
    """
    if getattr(failure, "one_line", False):
        put(f"Error: {failure.format_message()}", sys.stderr)
        return
    if isinstance(failure, click.exceptions.NoArgsIsHelpError):
        put(failure.format_message(), sys.stderr)
        return
    usage = isinstance(failure, click.UsageError)
    lines = [usage_text(failure)] if usage else failure.format_message().split("\n")  # type: ignore[arg-type]  # as checked
    show([f"Error: {lines[0]}", *(f"  {line}" for line in lines[1:]), *advice(failure)], sys.stderr)


def advice(failure: click.ClickException) -> list[str]:
    """The next step after wrong usage."""
    context = getattr(failure, "ctx", None)
    if context is None:
        return []
    examples = getattr(context.command, "examples", ())
    shown = [f"  example  {examples[0]}"] if examples else []
    return [*shown, f"  help     {context.command_path} --help"]


def usage_text(failure: click.UsageError) -> str:
    """An error of usage in our own words."""
    if isinstance(failure, click.NoSuchOption):
        known = [] if failure.ctx is None else [name for one in failure.ctx.command.params for name in one.opts]
        return f"there is no option {failure.option_name!r}{nearest(failure.option_name, known)}"
    if isinstance(failure, click.MissingParameter) and failure.param is not None:
        one = failure.param
        if isinstance(one, click.Option):
            metavar = f" {one.metavar}" if one.metavar else ""
            return f"the option {one.opts[0]}{metavar} is missing: {one.help}"
        return f"the argument {(one.name or '').upper()} is missing"
    if isinstance(failure, click.BadParameter) and (failure.param is not None or failure.param_hint):
        hint = failure.param_hint or (failure.param.opts[0] if failure.param is not None else "")
        return f"{hint if isinstance(hint, str) else ', '.join(hint)}: {failure.message.rstrip('.')}"
    message = failure.format_message().rstrip(".")
    if message.startswith("Got unexpected extra"):
        message += ": a value with spaces needs quotation marks"
    return message[:1].lower() + message[1:] if message[:4] in {"Got ", "Opti"} else message


def nearest(name: str, known: Iterable[str]) -> str:
    """A question for the known name that is nearest to one that is not known."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def fault_text(fault: BaseException) -> str:
    """A fault of the program in one line, with the innermost places of our own source."""
    own = Path(__file__).parents[1]
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if Path(frame.filename).is_relative_to(own)]
    places = ", ".join(
        f"{Path(frame.filename).relative_to(own)}:{frame.lineno}" for frame in frames[-1 : -1 - SHOWN : -1]
    )
    what = " ".join(f"{type(fault).__name__}: {fault}".split())
    return f"a fault of this program, not of yours: {what} ({places}). Please report it with this line"


def shell(words: Iterable[object]) -> str:
    """Words as one command for the shell, with quotation marks where they are needed."""
    return " ".join(quote(str(word)) for word in words)
