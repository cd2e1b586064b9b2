"""Load test of the HTTP API, alone and while recordings are classified.

    python benchmarks/api_load.py --clients 50 --seconds 60

starts the API on a free port of this machine. Every client sends one beat after the other to
``/predict``. In the second scenario, one more client sends recordings of half an hour meanwhile.
Clients and server share the processors; on a busy machine only ``server_cpu_ms`` is meaningful, the
server's processor time per request. Each scenario is a line of
``benchmarks/results/api_load.csv``.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import numpy as np
import pandas as pd
import psutil

from ecglib.datasets.synthetic import write_recordings
from ecglib.evaluation.results import keep_benchmark
from ecglib.paths import ROOT

BEAT = {"signal": np.round(np.random.default_rng(0).random(187), 4).tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "ecglib.api"],
        env=os.environ | {"ECG_API_PORT": str(port)},
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        rows = asyncio.run(
            measure(server.pid, f"http://127.0.0.1:{port}", options.clients, options.seconds)
        )
    finally:
        server.terminate()
        server.wait(30)
    keep_benchmark("api_load", pd.DataFrame(rows))


async def measure(pid: int, address: str, clients: int, seconds: float) -> list[dict]:
    """Measure both scenarios, one after the other."""
    rows = []
    limits = httpx2.Limits(max_connections=clients + 1, max_keepalive_connections=clients + 1)
    async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=120) as client:
        while not await is_ready(client):
            await asyncio.sleep(0.5)
        with TemporaryDirectory() as place:
            folder = write_recordings(Path(place, "r"), n_records=1, minutes=30)
            files = [
                ("files", (f"s01{s}", (folder / f"s01{s}").read_bytes())) for s in (".hea", ".dat")
            ]
        await client.post("/recordings", files=files)  # wait until its process has started
        for recordings in (False, True):
            end = time.perf_counter() + seconds
            tasks = [asks(client, end) for _ in range(clients)]
            if recordings:
                tasks.append(sends(client, files, end))
            started, cpu_s = time.perf_counter(), cpu_seconds(pid)
            answers = await asyncio.gather(*tasks)
            elapsed = time.perf_counter() - started
            done = answers.pop() if recordings else 0
            times, errors = zip(*answers, strict=True)
            ms = 1000 * np.concatenate(times)
            rows.append(
                {
                    "scenario": "with recordings" if recordings else "beats alone",
                    "clients": clients,
                    "seconds": elapsed,
                    "requests": len(ms),
                    "per_second": len(ms) / elapsed,
                    "p50_ms": np.quantile(ms, 0.5),
                    "p99_ms": np.quantile(ms, 0.99),
                    "server_cpu_ms": 1000 * (cpu_seconds(pid) - cpu_s) / len(ms),
                    "errors": sum(errors),
                    "recordings": done,
                    "load": psutil.getloadavg()[0],
                }
            )
            print(rows[-1], flush=True)
    return rows


def cpu_seconds(pid: int) -> float:
    """Processor seconds of the server so far, without its processes for files."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


async def is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def asks(client: httpx2.AsyncClient, end: float) -> tuple[list[float], int]:
    """Seconds of each answer, and the number of errors."""
    times, errors = [], 0
    while (started := time.perf_counter()) < end:
        try:
            errors += (await client.post("/predict", json=BEAT)).status_code != 200
        except httpx2.TransportError:
            errors += 1
        times.append(time.perf_counter() - started)
    return times, errors


async def sends(client: httpx2.AsyncClient, files: list, end: float) -> int:
    """Number of classified recordings."""
    done = 0
    while time.perf_counter() < end:
        answer = await client.post("/recordings", files=files, data={"table": "false"})
        answer.raise_for_status()
        done += 1
    return done


if __name__ == "__main__":
    main()
