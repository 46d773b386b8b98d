"""`run --executor`: the same folders, byte for byte, from datatrove's executors as from one process."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi, snapshot_download

from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_data.testing.fake_hub import FakeHub
from lorid_data.testing.fake_hub_routes import Reply
from tests.support.fake_slurm import write_fake_slurm

ROOT = Path(__file__).parent.parent.parent
pytest.importorskip(
    "datatrove", reason="datatrove is not installed: pip install lorid[distributed]"
)

STAGES = {"validate": {}, "dedup": {}, "audit": {"gates": {"unreached_answer": None}}}
SECRET = "AVerySecretKeyOfNobody0123456789"


def write_rows(folder: Path, n: int, first: int = 0) -> None:
    """Word problems; of ten one is wrong, and one is worded like the one before."""
    problems = []
    for i in range(first, first + n):
        at = i - (i % 10 == 9)
        have = "owns" if i % 10 == 9 else "has"
        question = f"Person {at} {have} {at} red apples and buys {at % 7 + 2} green apples at the old market. How many apples are there now?"
        total = at + at % 7 + 2 + (i % 10 == 5)
        problems.append(
            make_problem(
                source="t",
                split="train",
                question=question,
                rationale=f"{at} + {at % 7 + 2} = {at + at % 7 + 2} apples",
                answer=str(total),
                knowledge=["To find a total, add its parts."],
            )
        )
    rows = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    with open_stage(folder, "build", identity={"made": f"by hand {n} {first}"}) as stage:
        write_dataset(stage, rows, [], n_in=n)


def files(folder: Path) -> dict[str, str]:
    """sha256 of each file below a folder but hidden ones."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not any(part.startswith(".") for part in p.relative_to(folder).parts)
    }


def write_config(path: Path, out: str, start: str, against: str) -> Path:
    body = {"out": out, "from": start, **STAGES, "decontaminate": {"against": against}}
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def lorid(*argv: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lorid_data", "run", *argv],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        check=False,
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`rows`, `test`, and `one`: what one process makes of them."""
    home = tmp_path_factory.mktemp("given")
    write_rows(home / "rows", 1300)
    write_rows(home / "test", 3, first=40)
    config = write_config(
        home / "one.yaml", str(home / "one"), str(home / "rows"), str(home / "test")
    )
    done = lorid(str(config), "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert {"validate/records.parquet", "decontaminate/audit.html"} <= files(home / "one").keys()
    return home


def run_on(given: Path, tmp_path: Path, *argv: str, env: dict[str, str] | None = None) -> str:
    config = write_config(
        tmp_path / "c.yaml", str(tmp_path / "out"), str(given / "rows"), str(given / "test")
    )
    done = lorid(str(config), "--task-batches", "1", *argv, env=env)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 4])
def test_processes_of_this_machine_give_the_same_folders(
    given: Path, tmp_path: Path, n: int
) -> None:
    run_on(given, tmp_path, "--executor", f"local:{n}")
    assert files(tmp_path / "out") == files(given / "one")
    assert not (tmp_path / "out" / ".work").exists()


@pytest.mark.slow
def test_a_ray_cluster_gives_the_same_folders_and_listens_here_alone(
    given: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install lorid[distributed]")
    psutil = pytest.importorskip(
        "psutil", reason="psutil is not installed: pip install lorid[train]"
    )
    config = write_config(
        tmp_path / "c.yaml", str(tmp_path / "out"), str(given / "rows"), str(given / "test")
    )
    argv = [sys.executable, "-m", "lorid_data", "run", str(config), "--executor", "ray:local"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen([*argv, "--task-batches=2", "--task-memory-gb=1"], env=env, stdout=log, stderr=log)  # fmt: skip
        heard: set[str] = set()
        while run.poll() is None:
            for process in psutil.Process().children(recursive=True):
                try:
                    heard |= {
                        c.laddr.ip
                        for c in process.net_connections("inet")
                        if c.status == psutil.CONN_LISTEN
                    }
                except psutil.Error:
                    continue
            time.sleep(0.2)
    assert run.returncode == 0, (tmp_path / "log").read_text()
    assert heard
    assert heard <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert files(tmp_path / "out") == files(given / "one")


@pytest.mark.slow
def test_slurm_is_given_a_script_that_reads_no_pickle(given: Path, tmp_path: Path) -> None:
    slurm = tmp_path / "slurm"
    path = f"{write_fake_slurm(slurm)}:{os.environ['PATH']}"
    run_on(given, tmp_path, "--executor", "slurm:cpu", "--task-time", "01:30:00", env={"PATH": path, "AWS_SECRET_ACCESS_KEY": SECRET})  # fmt: skip
    assert files(tmp_path / "out") == files(given / "one")
    script = (slurm / "script-1").read_text()
    assert "#SBATCH --partition=cpu" in script
    assert "#SBATCH --time=01:30:00" in script
    assert "#SBATCH --array=0-2" in script
    assert "lorid_data.distributed.task" in script
    everything = "".join(p.read_text() for p in slurm.glob("[sao]*-*"))
    assert "launch_pickled_pipeline" not in everything
    assert ".pik" not in everything
    assert SECRET not in everything


def test_a_slurm_task_that_fails_is_named(given: Path, tmp_path: Path) -> None:
    slurm = tmp_path / "slurm"
    path = write_fake_slurm(slurm)
    (path / "srun").write_text("#!/bin/bash\nexit 1\n")
    config = write_config(
        tmp_path / "c.yaml", str(tmp_path / "out"), str(given / "rows"), str(given / "test")
    )
    done = lorid(str(config), "--executor", "slurm:cpu", env={"PATH": f"{path}:{os.environ['PATH']}"})  # fmt: skip
    assert done.returncode == 1
    assert "validate: 1 task of 1 did not end (0); see " in done.stderr
    assert not list((tmp_path / "out").rglob("*.pik"))


@pytest.mark.slow
def test_a_killed_worker_is_said_and_a_rerun_gives_the_same_folders(
    given: Path, tmp_path: Path
) -> None:
    psutil = pytest.importorskip(
        "psutil", reason="psutil is not installed: pip install lorid[train]"
    )
    config = write_config(
        tmp_path / "c.yaml", str(tmp_path / "out"), str(given / "rows"), str(given / "test")
    )
    argv = [sys.executable, "-m", "lorid_data", "run", str(config), "--executor", "local:2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen([*argv, "--task-batches=1"], env=env, stderr=subprocess.PIPE, text=True)
    jobs = tmp_path / "out" / ".work"
    until = time.monotonic() + 300
    while not list(jobs.rglob("logs/task_00002.log")) and time.monotonic() < until:
        time.sleep(0.01)  # the third task begins when one of the first two is complete
    for child in psutil.Process(run.pid).children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 1, said
    assert "a worker process ended by itself (SIGKILL)" in said
    kept = [p for p in jobs.rglob("out/*") if ".tmp" not in p.name]
    assert kept
    assert "validate tasks: 3/3" not in said
    run_on(given, tmp_path, "--executor", "local:2")
    assert files(tmp_path / "out") == files(given / "one")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of an S3 that is moto's server on 127.0.0.1."""
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[server]'")  # fmt: skip
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install lorid[distributed]")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIAKEYOFNOBODY00000",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    running.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_folders_on_s3_are_read_and_written_and_no_key_is_shown(
    given: Path, tmp_path: Path, s3: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    import s3fs

    store = s3fs.S3FileSystem(skip_instance_cache=True)
    store.mkdir("bucket")
    for name in ("rows", "test"):
        store.put(str(given / name), f"bucket/{name}", recursive=True)
    config = write_config(tmp_path / "c.yaml", "s3://bucket/one", "s3://bucket/rows", "s3://bucket/test")  # fmt: skip
    done = lorid(str(config), "--executor", "local:2", "--task-batches", "1", env=s3)
    assert done.returncode == 0, done.stderr
    again = lorid(str(config), "--executor", "local:2", "--task-batches", "1", env=s3)
    assert again.returncode == 0, again.stderr
    assert "tasks:" not in again.stderr  # nothing is done again
    store.invalidate_cache()
    store.get("bucket/one", str(tmp_path / "one"), recursive=True)
    assert files(tmp_path / "one") == files(given / "one")
    wrong = lorid(str(config), "--executor", "local:1", env={**s3, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})  # fmt: skip
    assert wrong.returncode == 1
    assert "cannot be reached" in wrong.stderr
    stored = "".join(store.cat_file(p).decode("latin-1") for p in store.find("bucket"))
    for text in (done.stdout, done.stderr, again.stderr, wrong.stderr, stored):
        assert SECRET not in text
        assert s3["AWS_ACCESS_KEY_ID"] not in text


def on_hub(hub: FakeHub, given: Path, *names: str) -> None:
    """A dataset repository `me/one`, with folders in it."""
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo("me/one", repo_type="dataset", private=True)
    for name in names:
        api.upload_folder(repo_id="me/one", repo_type="dataset", folder_path=given / name, path_in_repo=name)  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_folders_on_the_hub_are_read_and_written_in_one_commit_each(
    given: Path, tmp_path: Path
) -> None:
    with FakeHub() as hub:
        on_hub(hub, given, "rows", "test")
        config = write_config(tmp_path / "c.yaml", "hf://datasets/me/one/out", "hf://datasets/me/one/rows", "hf://datasets/me/one/test")  # fmt: skip
        argv = (str(config), "--executor", "local:2", "--task-batches", "1", "--work", str(tmp_path / "work"))  # fmt: skip
        done = lorid(*argv, env=hub.environment)
        assert done.returncode == 0, done.stderr
        repo = hub.repo("me/one")
        assert repo is not None
        titles = [c.title for c in repo.history(repo.heads["main"])]
        assert sum(t.startswith("lorid-data run: out/") for t in titles) == len(STAGES) + 1
        again = lorid(*argv, env=hub.environment)
        assert again.returncode == 0, again.stderr
        assert "tasks:" not in again.stderr  # nothing is done again, nothing sent again
        repo = hub.repo("me/one")
        assert repo is not None
        assert len(list(repo.history(repo.heads["main"]))) == len(titles)
        snapshot_download(
            "me/one", repo_type="dataset", local_dir=tmp_path / "copy", endpoint=hub.url, token=hub.token
        )  # fmt: skip
        assert files(tmp_path / "copy" / "out") == files(given / "one")
        assert not list((tmp_path / "work").iterdir())


@pytest.mark.slow
def test_a_place_on_the_hub_that_cannot_be_written_is_refused_before_any_work(
    given: Path, tmp_path: Path
) -> None:
    def refused(out: str, *argv: str, **more: str) -> str:
        config = write_config(tmp_path / "c.yaml", out, str(given / "rows"), str(given / "test"))
        done = lorid(str(config), "--executor", "local:1", *argv, env={**hub.environment, **more})
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert "tasks" not in done.stderr
        return done.stderr

    elsewhere = ("--work", str(tmp_path / "work"))
    with FakeHub() as hub:
        on_hub(hub, given)
        assert "give --work a folder" in refused("hf://datasets/me/one/out")
        assert "give --work a folder" in refused("hf://datasets/me/one/out", "--work", "hf://datasets/me/one/w")  # fmt: skip
        assert "no such repository or branch" in refused("hf://datasets/me/none/out", *elsewhere)
        assert "no such repository or branch" in refused("hf://datasets/me/one@other/out", *elsewhere)  # fmt: skip
        hub.repo("me/one").private = False  # type: ignore[union-attr]
        assert "may not write to it" in refused("hf://datasets/me/one/out", *elsewhere, HF_TOKEN="hf_another")  # fmt: skip


@pytest.mark.slow
def test_what_cannot_be_sent_is_kept(given: Path, tmp_path: Path) -> None:
    full = Reply.json({"error": "storage limit reached"}, status=403)
    with FakeHub() as hub:
        on_hub(hub, given)
        hub.plan = lambda _, request: full if "/commit/" in request else None
        config = write_config(tmp_path / "c.yaml", "hf://datasets/me/one/out", str(given / "rows"), str(given / "test"))  # fmt: skip
        done = lorid(str(config), "--executor", "local:2", "--work", str(tmp_path / "work"), env={**hub.environment, "TMPDIR": str(tmp_path)})  # fmt: skip
    assert done.returncode == 1
    kept = Path(done.stderr.rpartition("is kept in ")[2].strip())
    assert files(kept / "out" / "validate") == files(given / "one" / "validate")
