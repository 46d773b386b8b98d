"""One setting of the study `agreement`, step by step: ordinary stages in ordinary folders."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from lorid_data.errors import ConfigError
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.texts import strict_json
from lorid_train.config import EvalConfig, TrainConfig
from lorid_train.evaluation.drawn_rows import Wanted, export_draws
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.models.adapters import folders_of
from lorid_train.reinforcement.arguments import make_args as rl_args
from lorid_train.reinforcement.settings import RlConfig, RlValidation
from lorid_train.reinforcement.stage import train as rl
from lorid_train.study.agreement_data import Place, equal_rows, make_parts
from lorid_train.study.agreement_settings import SYSTEMS, AgreementConfig
from lorid_train.study_report.agreement_reading import COST
from lorid_train.training.arguments import make_args as sft_args
from lorid_train.training.early import refused
from lorid_train.training.preferences import make_args as dpo_args
from lorid_train.training.sft import train

CONSENSUS: Final = "consensus"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes what is missing of one setting; each step does nothing where it is done."""

    config: AgreementConfig
    place: Place

    @property
    def begun(self) -> Path:
        """The run that all systems go on from."""
        named = self.place.setting.run
        return self.place.folder / "before" / "run" if named is None else Path(named)

    def begin(self) -> None:
        """Questions, the first run, its stored draws on fresh questions, and its evaluations."""
        make_parts(self.place)
        if self.place.setting.run is None:
            with costed(self.begun):
                train(self._first())
        before = self.place.folder / "before"
        adapters = folders_of([str(self.begun)])
        evaluate(self._drawing(adapters, before / "draws"))
        evaluate(self._one_pass(adapters, "validation", before / "validation"))
        evaluate(self._loop(adapters, before / "eval", votes=True))

    def further(self, system: str, seed: int) -> None:
        """Train IR further by one system under one seed, and look at one pass of it."""
        folder = self.place.folder / system / str(seed)
        with costed(folder / "run"):
            self._train(system, seed, folder / "run")
        adapters = {"ir": str(folder / "run" / "adapters" / "ir")}
        evaluate(self._one_pass(adapters, "test", folder / "eval", seed))
        evaluate(self._one_pass(adapters, "validation", folder / "validation", seed))

    def check(self) -> None:
        """Look at the values of every training before hours of drawing come to it; nothing is written.

        Raises:
            ConfigError: some of them no training would take.
        """
        folder, c = self.place.folder, self.config
        learnt = {SYSTEMS[name].method for name in c.systems}
        further = self._second(folder, None, c.seeds[0], folder)
        tried: list[Callable[[], object]] = [partial(sft_args, further, "ir", folder)]
        if self.place.setting.run is None:
            first = self._first()
            tried += [partial(sft_args, first, role, folder) for role in first.roles]
        if "dpo" in learnt:
            pairs = further.model_copy(update={"method": "dpo", "sft": {}, "dpo": c.dpo})
            tried.append(partial(dpo_args, pairs, "ir", folder))
        if "grpo" in learnt:
            rewarded = self._rewarded(is_gold=True, seed=c.seeds[0], out=folder)
            tried.append(partial(rl_args, rewarded, folder, {}))
        if problems := refused(tried):
            raise ConfigError(*dict.fromkeys(problems))

    def loop_after(self, seed: int) -> None:
        """The loop with IR as the system `consensus` trained it, KG and DR as they were."""
        folder = self.place.folder / CONSENSUS / str(seed)
        ir = {"ir": str(folder / "run" / "adapters" / "ir")}
        evaluate(self._loop({**folders_of([str(self.begun)]), **ir}, folder / "loop", seed))

    def _train(self, system: str, seed: int, out: Path) -> None:
        of = SYSTEMS[system]
        if of.method == "grpo":
            rl(self._rewarded(of.rule == "gold", seed, out))
        elif of.method == "dpo":
            assert of.rule is not None
            pairs = self.place.folder / "rows" / f"{of.rule}-pairs"
            export_draws(
                self.place.folder / "before" / "draws", pairs, Wanted(of.rule, with_pairs=True)
            )
            train(self._second(pairs, None, seed, out, method="dpo", sft={}, dpo=self.config.dpo))
        else:
            data, steps = self._rows(system)
            train(self._second(data, steps, seed, out))

    def _rows(self, system: str) -> tuple[Path, int | None]:
        """The rows of a system, and its number of steps where that is not its own."""
        of = SYSTEMS[system]
        rows = self.place.folder / "rows"
        if of.rule is None:
            name = "teacher" if "teacher" in self.place.setting.parts else "fresh"
            whole = self.place.part(name)
        else:
            whole = rows / of.rule
            export_draws(self.place.folder / "before" / "draws", whole, Wanted(of.rule))
        if not of.is_equal:
            return whole, None
        export_draws(self.place.folder / "before" / "draws", rows / CONSENSUS, Wanted(CONSENSUS))
        n = read_manifest(rows / CONSENSUS).n_kept
        out = rows / system.replace("@", "-")
        equal_rows(self.place, whole, n, out)
        return out, self._steps(n)

    def _steps(self, n_rows: int) -> int:
        """Optimiser steps of all rows, as often as the configuration says."""
        sft = self._sft()
        batch = int(sft["per_device_train_batch_size"]) * int(sft.get("gradient_accumulation_steps", 1))  # fmt: skip
        return round(-(-n_rows // batch) * float(sft["num_train_epochs"]))

    def _sft(self) -> dict[str, Any]:
        return {**self.place.setting.sft, **self.config.further}

    def _first(self) -> TrainConfig:
        c, s = self.config, self.place.setting
        return TrainConfig(
            base=s.base, data=str(self.place.part("train")), out=str(self.begun), format=c.format, split=None,
            max_tokens=c.max_tokens, dtype=c.dtype, seed=0, threads=c.threads, lora=s.lora, sft=s.sft,
            per_role=s.per_role,
        )  # fmt: skip

    def _second(
        self, data: Path, steps: int | None, seed: int, out: Path, **more: Any
    ) -> TrainConfig:
        c, s = self.config, self.place.setting
        sft = self._sft() | ({} if steps is None else {"max_steps": steps})
        body = {
            "base": s.base, "init": str(self.begun), "data": str(data), "out": str(out), "roles": ("ir",),
            "format": c.format, "split": None, "max_tokens": c.max_tokens, "dtype": c.dtype, "seed": seed,
            "threads": c.threads, "sft": sft,
        }  # fmt: skip
        return TrainConfig(**(body | more))

    def _rewarded(self, is_gold: bool, seed: int, out: Path) -> RlConfig:  # noqa: FBT001
        """GRPO on the fresh questions whose stored draws carried a signal, drawn as these were."""
        c, s = self.config, self.place.setting
        validation = RlValidation(
            data=str(self.place.part("validation")), split=None, max_new_tokens=s.max_new_tokens
        )
        return RlConfig(
            init=str(self.begun), out=str(out), base=s.base, data=str(self.place.part("fresh")), split=None,
            reward="gold" if is_gold else "consensus", draws=str(self.place.folder / "before" / "draws"),
            validation=validation, max_tokens=c.max_tokens, dtype=c.dtype, seed=seed, threads=c.threads,
            grpo=c.grpo,
        )  # fmt: skip

    def _evaluation(
        self, adapters: dict[str, str], part: str, out: Path, **more: Any
    ) -> EvalConfig:
        c = self.config
        return EvalConfig(
            adapters=adapters, dataset=str(self.place.part(part)), out=str(out), temperature=c.temperature,
            top_p=c.top_p, top_k=c.top_k, max_new_tokens=self.place.setting.max_new_tokens, dtype=c.dtype,
            batch_size=c.batch_size, threads=c.threads, merged=True, allow_trained_questions=True, **more,
        )  # fmt: skip

    def _drawing(self, adapters: dict[str, str], out: Path) -> EvalConfig:
        """All stored rounds of the fresh questions, whatever the loop would look at."""
        return self._evaluation(
            adapters, "fresh", out, rounds=self.config.stored_rounds, schedule="exhaustive", votes="none",
            greedy=(), seed=0,
        )  # fmt: skip

    def _one_pass(self, adapters: dict[str, str], part: str, out: Path, seed: int = 0) -> EvalConfig:  # fmt: skip
        """IR once, greedy; on test questions once sampled, too."""
        samples = {"ir": 1} if part == "test" else {}
        return self._evaluation(
            adapters, part, out, rounds=1, loop=False, votes="none", greedy=("ir",), samples=samples, seed=seed,
        )  # fmt: skip

    def _loop(
        self, adapters: dict[str, str], out: Path, seed: int = 0, *, votes: bool = False
    ) -> EvalConfig:
        """The loop on the test questions, and the majority at its cost."""
        return self._evaluation(
            adapters, "test", out, rounds=self.config.rounds, votes="ir" if votes else "none", greedy=("ir",),
            seed=seed,
        )  # fmt: skip


@contextmanager
def costed(run: Path) -> Iterator[None]:
    """Add the CPU-seconds of what is trained inside to the file beside a run; nothing where it is done."""
    was_done = (run / MANIFEST).is_file()
    path = run.parent / COST
    before = float(strict_json.parse(path.read_bytes())["cpu_s"]) if path.is_file() else 0.0
    start = time.process_time()
    try:
        yield
    finally:
        if not was_done:
            run.parent.mkdir(parents=True, exist_ok=True)
            body = {"cpu_s": round(before + time.process_time() - start, 1)}
            write_text(path, json.dumps(body) + "\n")
