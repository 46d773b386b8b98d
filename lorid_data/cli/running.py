"""The command `run`: every stage that a file names."""

from __future__ import annotations

from pathlib import Path

from lorid_data.cli.ending import SHOWN, is_asked_wrongly
from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK
from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.commandline.result import is_json, show
from lorid_data.commandline.workers import Workers, n_workers


def run(config: Path, /, *, workers: Workers = None) -> int:
    """Run every stage that a configuration names, in order.

    Args:
        config: A YAML file, like those in configs/data.
        workers: Processes for the rows of stages that spread them; all cores that this program may
            use by default. The folders are the same whatever their number.
    """
    from lorid_data import pipeline
    from lorid_data.errors import ConfigError
    from lorid_data.folders.manifests import n_failed

    body = read_yaml(config)
    secrets = secrets_in(body, str(config))
    if secrets:
        raise ConfigError(*secrets)
    manifests = pipeline.run(pipeline.read_config(body, str(config)), n_workers=n_workers(workers))
    if is_json():
        shown = {name: m.model_dump(mode="json", include=SHOWN) for name, m in manifests.items()}
        show("", shown)
    failed = any(n_failed(m) or not m.n_kept for m in manifests.values())
    return EXIT_FAILED if is_asked_wrongly(manifests["build"]) or failed else EXIT_OK
