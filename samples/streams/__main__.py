"""The command `penstock-seal IN OUT --key-file FILE [--open]`; also `python -m penstock.samples.streams`."""

import sys
from collections.abc import Sequence

from penstock.samples.command.entry import run_command
from penstock.samples.command.leaves import leaves

OK, NOT_AS_SEALED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which `--help` explains."""
    return run_command(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    # Here, so that Ctrl-C while trio is being imported ends the same way.
    import trio

    from penstock.samples.command.streams import why
    from penstock.samples.streams.options import parse_options

    options = parse_options(arguments)
    try:
        from penstock.samples.streams.frames import SealError, Secret
        from penstock.samples.streams.seal import open_sealed, seal
    except ModuleNotFoundError as error:
        if error.name != "cryptography":
            raise
        _say("cryptography, which encrypts, is not installed; try: pip install 'penstock[seal]'")
        return WRONG_USE
    secret = Secret(options.secret, options.is_passphrase)
    try:
        trio.run(open_sealed if options.open else seal, options.source, options.target, secret)
    except BaseExceptionGroup as group:
        errors = list(leaves(group))
        if not all(isinstance(each, (SealError, OSError)) for each in errors):
            raise
        for each in errors:
            if isinstance(each, OSError):
                is_source = each.filename == str(options.source)
                _say(f"{options.source if is_source else options.target}: {why(each)}")
            else:
                _say(f"{options.source}: {each}")
        return WRONG_USE if any(isinstance(each, OSError) for each in errors) else NOT_AS_SEALED
    return OK


def _say(message: str) -> None:
    print(f"penstock-seal: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
