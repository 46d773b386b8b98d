"""The card of a dataset: what its template shows, out of manifests and facts. Pure.

No number is made here that is not in a manifest, in the facts of what was written, or in the
audit and the labels of the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lorid_data.cards.escape import one_line
from lorid_data.cards.licences import front_matter
from lorid_data.cards.render import render
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import Chain, Link
from lorid_data.publish.contents import Facts
from lorid_data.publish.gates import Gate
from lorid_data.publish.rebuild import commands
from lorid_data.publish.rows import COLUMNS, arrow_schema
from lorid_data.schema import RejectReason

if TYPE_CHECKING:
    from huggingface_hub import DatasetCardData

TEMPLATE = "dataset.md.jinja"
HOLDS = {
    "default": "the records: question, reference solution, knowledge",
    "ir": "prompt and completion of the Intuitive Reasoner",
    "kg": "prompt and completion of the Knowledge Generator",
    "dr": "prompt and completion of the Deep Reasoner",
    "cg": "prompt and program of the role that writes programs; how each program was made and run",
    "provenance": "where each row's knowledge comes from",
    "rejects": "rows that a stage did not pass on, with the reason",
}
_MOST_FIGURES = 40


def dataset_card(
    chain: Chain,
    facts: Facts,
    gates: Sequence[Gate],
    words: CardFields,
    *,
    repo_id: str,
    tag: str,
    audit: Mapping[str, Any] | None = None,
    labels: Mapping[str, Any] | None = None,
) -> str:
    """The README of a published dataset.

    Args:
        chain: the manifests of every stage.
        facts: what was written.
        gates: their state, exceptions included.
        words: what the user says.
        repo_id: `owner/name`.
        tag: by which it is loaded.
        audit: the folder's `audit.json`; None where it was not audited.
        labels: the folder's `labels.json`; None where nobody labelled rows.
    """
    context = {
        "title": words.title or repo_id.partition("/")[2],
        "repo_id": repo_id,
        "tag": tag,
        "stats": facts.statistics,
        "configs": facts.configs,
        "holds": HOLDS,
        "columns": COLUMNS,
        "stages": [_stage(link) for link in chain.links],
        "n_rejected": sum(sum(k.manifest.n_rejected.values()) for k in chain.links),
        "missing": chain.missing,
        "examples": [e for e in facts.examples if e.stage in ("dedup", "decontaminate")],
        "figures": [(k.manifest.stage, shown) for k in chain.links if (shown := _figures(k))],
        "gates": gates,
        "audit": audit,
        "labels": _labels(labels),
        "terms": words.teacher_terms,
        "asked": [t for t in facts.statistics.teachers if t.prompt_id is not None],
        "contested": any(
            "contested" in licence.lower()
            for licences in facts.statistics.by_source.values()
            for licence in licences
        ),
        "was_deduplicated": chain.find("dedup") is not None,
        "commands": commands(chain, gates, words, repo_id=repo_id, tag=tag),
        "versions": dict(chain.last.manifest.libraries),
        "code_version": chain.last.manifest.code_version,
    }
    return render(TEMPLATE, card_data(facts, words, repo_id), context)


def card_data(facts: Facts, words: CardFields, repo_id: str) -> DatasetCardData:
    """The front matter: licence, sizes, and each configuration with its features and files."""
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCardData

    licences = {w for by in facts.statistics.by_source.values() for w in by}
    more: dict[str, Any] = front_matter(licences)
    if words.language:
        more["language"] = list(words.language)
    data = DatasetCardData(
        **more,
        pretty_name=one_line(words.title or repo_id.partition("/")[2])[:100],
        task_categories=["text-generation"],
        tags=["lorid", "knowledge", "mathematics"],
        size_categories=[_size_category(sum(f.n_rows for f in facts.configs["default"].values()))],
    )
    infos, files = {}, {}
    for config, splits in facts.configs.items():
        sizes = SplitDict()
        for name, f in splits.items():
            sizes.add(SplitInfo(name=name, num_bytes=f.n_bytes, num_examples=f.n_rows))
        infos[config] = DatasetInfo(
            features=Features.from_arrow_schema(arrow_schema(config)),
            splits=sizes,
            download_size=sum(f.download_bytes for f in splits.values()),
            dataset_size=sum(f.n_bytes for f in splits.values()),
        )
        paths = [{"split": s, "path": f"{config}/{s}-*.parquet"} for s in splits]
        files[config] = {"data_files": paths, **({"default": True} if config == "default" else {})}
    DatasetInfosDict(infos).to_dataset_card_data(data)
    MetadataConfigs(files).to_dataset_card_data(data)
    return data


def _size_category(n: int) -> str:
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
    return next((name for most, name in bounds if n < most), "1M<n<10M" if n < 10**7 else "n>10M")


def _stage(link: Link) -> dict[str, Any]:
    m = link.manifest
    reasons = [(name, n, _sentence(name)) for name, n in m.n_rejected.items()]
    return {
        "name": m.stage,
        "n_in": m.n_in,
        "n_kept": m.n_kept,
        "n_rejected": sum(m.n_rejected.values()),
        "reasons": reasons,
        "sha256": link.sha256,
        "code_version": m.code_version,
    }


def _sentence(reason: str) -> str:
    try:
        return RejectReason(reason).sentence
    except ValueError:
        return ""


def _labels(labels: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What people said of a sample, without their names."""
    if labels is None:
        return None
    agreement = [
        {"of": a["of"], "n": a["n"], **{k: a[k] for k in ("raw", "kappa", "ac1")}}
        for a in labels.get("agreement", ())
    ]
    return {
        "n": labels.get("n", 0),
        "n_annotators": len(labels.get("annotators", ())),
        "verdicts": labels.get("verdicts", {}),
        "defects": labels.get("defects", {}),
        "agreement": agreement,
    }


def _figures(link: Link) -> list[tuple[str, str]]:
    return flat(link.manifest.figures)[:_MOST_FIGURES]


def flat(value: object, name: str = "") -> list[tuple[str, str]]:
    """A nested value as (dotted name, text), leaves only; lists of plain values in one text."""
    if isinstance(value, Mapping):
        return [pair for k, v in value.items() for pair in flat(v, f"{name}.{k}" if name else k)]
    if isinstance(value, list):
        if any(isinstance(v, (Mapping, list)) for v in value):
            few = value[:10]
            return [pair for i, v in enumerate(few) for pair in flat(v, f"{name}[{i}]")]
        return [(name, ", ".join(_leaf(v) for v in value[:10]) + (" …" if len(value) > 10 else ""))]
    return [(name, _leaf(value))]


def _leaf(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
