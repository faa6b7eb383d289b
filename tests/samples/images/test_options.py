"""The command line: what it takes, and what it says to what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.blocks import __version__
from penstock.samples.images.options import parse_options
from penstock.samples.images.settings import CHAPTER_MODES, AtOnce, Mode, OnError, PhaseTimes, Workers, usable_cpus


def test_everything_has_a_default() -> None:
    options = parse_options([])
    assert options.sources == ()
    assert options.modes == (Mode.DATA_FLOW,)
    assert (options.limit, options.repeat, options.on_error) == (None, 1, OnError.SKIP)
    assert (options.executor, options.workers) == (Workers.THREADS, usable_cpus())
    assert options.at_once == AtOnce.all(usable_cpus())
    assert not options.quiet


def test_everything_can_be_given() -> None:
    line = "photos --output out --mode load-balanced --size 100X80 --noise 2.5 --limit 3 --filters 4 --governor 9"
    options = parse_options([*line.split(), "--on-error", "fail", "--repeat", "2"])
    assert (options.sources, options.output) == ((Path("photos"),), Path("out"))
    assert (options.modes, options.compare) == ((Mode.LOAD_BALANCED,), False)
    assert (options.size, options.noise, options.limit, options.repeat) == ((100, 80), 2.5, 3, 2)
    assert (options.filters, options.governor, options.on_error) == (4, 9, OnError.FAIL)


def test_the_concurrency_of_a_phase_is_the_number_of_workers_unless_it_is_named() -> None:
    options = parse_options(["--executor", "processes", "--workers", "3", "--concurrency", "load=5,output=1"])
    assert (options.executor, options.workers) == (Workers.PROCESSES, 3)
    assert options.at_once == AtOnce(load=5, scale=3, noise=3, output=1)


def test_compare_means_all_four_modes_with_the_sequential_one_first() -> None:
    options = parse_options(["--compare"])
    assert options.modes == CHAPTER_MODES
    assert options.modes[0] is Mode.SEQUENTIAL


def test_to_compare_each_phase_has_one_worker_and_the_filter_most_of_the_work() -> None:
    options = parse_options(["--compare"])
    assert options.at_once == AtOnce.all(1)
    assert (options.workers, options.filters) == (5, 2)
    assert (options.size, options.layers, options.repeat) == ((1024, 768), 8, 8)
    assert parse_options(["photos", "--compare"]).repeat == 1
    line = "--compare --workers 3 --concurrency noise=2 --size 64x48 --layers 1 --repeat 2"
    own = parse_options(line.split(" "))
    assert own.at_once == AtOnce(load=1, scale=1, noise=2, output=1)
    assert (own.workers, own.size, own.layers, own.repeat) == (3, (64, 48), 1, 2)


def test_the_model_has_six_pictures_and_each_phase_works_on_one_at_a_time() -> None:
    options = parse_options(["--model", "--times", "noise=300,load=150"])
    assert (options.model, options.times) == (True, PhaseTimes(0.15, 0.3, 0.3, 0.3))
    assert (options.at_once, options.limit) == (AtOnce.all(1), 6)
    assert parse_options(["photos", "--model"]).limit is None
    compared = parse_options(["--model", "--compare"])
    assert (compared.size, compared.layers, compared.repeat) == ((320, 240), 1, 1)


def test_on_the_page_a_run_over_painted_pictures_is_long_enough_to_watch() -> None:
    options = parse_options(["--gui"])
    assert (options.size, options.layers, options.repeat) == ((640, 480), 10, 10)
    own = parse_options(["photos", "--gui"])
    assert (own.size, own.layers, own.repeat) == ((320, 240), 1, 1)


def test_the_version_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--version"])
    assert capsys.readouterr().out == f"penstock-images {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--size 100", "argument --size: expected WIDTHxHEIGHT such as 320x240, each from 32 to 4096, got '100'"),
        ("--size 0x100", "got '0x100'"),
        ("--size 100x9999", "got '100x9999'"),
        ("--size 1²x100", "got '1²x100'"),
        ("--size=-5x100", "got '-5x100'"),
        ("--noise=-1", "argument --noise: expected a number from 0 to 255, got '-1'"),
        ("--noise nan", "got 'nan'"),
        ("--noise inf", "got 'inf'"),
        ("--noise loud", "got 'loud'"),
        ("--limit 0", "argument --limit: expected a whole number >= 1, got '0'"),
        ("--repeat=-1", "argument --repeat: expected a whole number >= 1"),
        ("--filters 1.5", "argument --filters: expected a whole number >= 1"),
        ("--governor none", "argument --governor: expected a whole number >= 1"),
        ("--mode fast", "argument --mode: invalid choice: 'fast'"),
        ("--executor gpu", "argument --executor: invalid choice: 'gpu'"),
        ("--workers 0", "argument --workers: expected a whole number >= 1, got '0'"),
        ("--concurrency 2", "argument --concurrency: expected a phase (load, scale, noise or output), got '2' in '2'"),
        ("--concurrency load=0", "argument --concurrency: expected a whole number from 1 for load, got '0'"),
        ("--concurrency load=2,", "expected a phase (load, scale, noise or output), got '' in 'load=2,'"),
        ("--concurrency load=2,load=3", "expected a phase (each once), got 'load' in 'load=2,load=3'"),
        ("--concurrency sharpen=2", "got 'sharpen' in 'sharpen=2'"),
        ("--model --workers 2", "--workers is for phases that work, and those of the model wait"),
        ("--times noise=5", "--times is for --model"),
        ("--stay", "--port, --host, --start-folder, --stay and --no-browser are for --gui"),
        ("--model --times noise=0", "expected milliseconds, a whole number from 1 to 60000, for noise, got '0'"),
        ("--model --times 300", "argument --times: expected a phase (load, scale, noise or output), got '300'"),
        ("--on-error retry", "argument --on-error: invalid choice: 'retry'"),
        ("--mode data-flow --compare", "not allowed with argument"),
        ("--output=", "argument --output: expected the path of a folder, got ''"),
        ("photos --mode sequential --governor 5", "--governor is for a network, and the mode sequential has none"),
        ("--mode sequential --workers 2 --concurrency load=1", "--workers and --concurrency are for blocks"),
        ("--mode control-flow --executor processes", "--executor is for blocks, and the mode control-flow has none"),
        ("--mode data-flow --filters 3", "--filters is for the mode load-balanced"),
        ("--mode load-balanced --concurrency noise=2", "load-balanced has --filters for that"),
        ("--recursive --resume", "--recursive and --resume are for pictures of yours, and none were named"),
        ("photos --compare --resume", "--resume is for one mode"),
        ("photos --gui --quiet", "--gui cannot be used with --quiet: the page cannot do that"),
        ("photos --gui --recursive", "--gui cannot be used with --recursive: the page cannot do that"),
        ("one two --gui", "--gui shows one folder of pictures at a time"),
        ("- --gui", "--gui shows one folder of pictures at a time"),
        ("--lim 3", "unrecognized arguments: --lim"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments.split())
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert line.startswith("penstock-images: ")
    assert line.endswith(" (try --help)")


def test_a_plan_is_for_blocks_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    options = parse_options(["--plan", "--executor", "processes", "--workers", "3"])
    assert (options.modes, options.workers) == ((Mode.PLANNED,), 3)
    assert parse_options(["--plan", "--gui"]).modes == (Mode.PLANNED,)
    for line, message in {
        "--mode sequential": "argument --mode: not allowed with argument --plan",
        "--compare": "argument --compare: not allowed with argument --plan",
        "--model": "--plan is for phases that work, and those of the model wait",
        "--model --gui": "--plan is for phases that work, and those of the model wait",
        "--filters 3": "--filters is for the mode load-balanced",
        "--executor dask": "--plan is for threads and processes on this machine",
        "--concurrency load=2": "--concurrency is for a block per phase, and a plan has its own workers",
    }.items():
        with pytest.raises(SystemExit):
            parse_options(["--plan", *line.split()])
        assert message in capsys.readouterr().err
