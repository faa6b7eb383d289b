"""Blocks on clusters that are connected by TLS or SSH, or that grow. The SSH one needs `asyncssh` and an SSH server."""

import getpass
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from penstock.agents import Pipeline
from tests.cluster import functions
from tests.cluster.waiting import eventually

distributed: Any = pytest.importorskip("distributed")
SSH = [shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("sshd", "ssh-keygen")]
TENFOLD = [10 * number for number in range(100)]
Start = Callable[..., Any]


@pytest.fixture
def start(importable: None) -> Iterator[Start]:
    """Starts a cluster on this machine, with a worker of one thread."""
    dask: Any = import_module("dask")
    method = "spawn" if sys.platform == "win32" else "forkserver"  # is quick
    quick = {"distributed.worker.multiprocessing-method": method}
    few = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0, "silence_logs": 50}

    @contextmanager
    def started(**options: Any) -> Generator[tuple[Any, Any]]:
        with distributed.LocalCluster(**few, **options) as cluster, distributed.Client(cluster) as client:
            yield cluster, client

    with dask.config.set(quick):
        yield started


async def test_tls(start: Start) -> None:
    pytest.importorskip("cryptography")
    with start(protocol="tls", security=distributed.Security.temporary()) as (cluster, client):
        assert cluster.scheduler_address.startswith("tls://")
        results = Pipeline(functions.tenfold, executor=client.get_executor(), concurrency=4)
        assert await results.collect(range(100)) == TENFOLD


async def test_a_cluster_grows_if_concurrency_hands_out_enough_for_its_target(start: Start, tmp_path: Path) -> None:
    with start() as (cluster, client):
        cluster.adapt(minimum=1, maximum=2, interval="50ms", target_duration="100ms")
        waits = Pipeline(functions.wait_for_file, executor=client.get_executor(), concurrency=4)
        async with waits.stream([tmp_path] * 4) as results:
            await eventually(lambda: len(client.scheduler_info()["workers"]) == 2)
            (tmp_path / "go").touch()
            assert [result async for result in results] == ["went"] * 4


@pytest.fixture
def login(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """How to log in on this machine, with a server and keys of its own."""
    pytest.importorskip("asyncssh")
    if sys.platform == "win32" or None in SSH:
        pytest.skip("there is no SSH server")
    server, make_key = map(str, SSH)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("host", "user"):
        subprocess.run([make_key, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True, timeout=60)
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    settings = f"""Port {port}
ListenAddress 127.0.0.1
HostKey {tmp_path / "host"}
AuthorizedKeysFile {tmp_path / "user.pub"}
StrictModes no
UsePAM no
PidFile none
"""
    (tmp_path / "settings").write_text(settings)
    command = [server, "-D", "-e", "-f", str(tmp_path / "settings")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("listening" in line for line in process.stderr)
        keys = {"client_keys": [str(tmp_path / "user")], "known_hosts": str(tmp_path / "known")}
        try:
            yield {"port": port, "username": getpass.getuser(), **keys}
        finally:
            process.terminate()


async def test_ssh(login: dict[str, Any]) -> None:
    def tenfold_there(number: int) -> tuple[int, int]:  # it is sent along: the workers cannot import the tests
        return 10 * number, import_module("os").getpid()

    options = {"connect_options": login, "remote_python": sys.executable, "worker_options": {"nthreads": 1}}
    hosts, scheduler = ["127.0.0.1"] * 3, {"port": 0, "dashboard_address": ":0"}
    with (
        distributed.SSHCluster(hosts, scheduler_options=scheduler, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        numbers = Pipeline(tenfold_there, executor=client.get_executor(), concurrency=4)
        results = await numbers.collect(range(100))
        assert [number for number, _ in results] == TENFOLD
        assert {process for _, process in results} <= {*client.run(import_module("os").getpid).values()}
