"""Loads published adapters back with plain PEFT: the same files, and the same logits bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.errors import StageError
from lorid_data.folders.files import sha256_file
from lorid_data.hub.calls import Patience, calling
from lorid_train import formats, roles
from lorid_train.publish.contents import TrainedAdapter

_QUESTION = "How much is 17 + 25?"
_KNOWLEDGE = "Add the numbers."


def download(repo_id: str, revision: str, patience: Patience) -> Path:
    """The folder of a published revision."""
    from huggingface_hub import snapshot_download

    return Path(
        calling(
            f"loading {repo_id}@{revision}",
            lambda: snapshot_download(repo_id, revision=revision),
            patience,
        )
    )


def check_files(sent: Path, found: Path, where: str) -> None:
    """Compare every file that was sent with what came back.

    Raises:
        StageError: one is missing or differs.
    """
    names = [p.relative_to(sent) for p in sorted(sent.rglob("*")) if p.is_file()]
    wrong = [
        str(n)
        for n in names
        if not (found / n).is_file() or sha256_file(found / n) != sha256_file(sent / n)
    ]
    if wrong:
        msg = f"{where}: published, but {', '.join(wrong)} came back changed; run the same command again"
        raise StageError(msg)


def check_logits(model: Any, tokenizer: Any, role: TrainedAdapter, found: Path, where: str) -> Any:
    """Compare the logits of a role's own adapter and of the published one on one prompt.

    Args:
        model: the bare base model.
        tokenizer: its tokenizer.
        role: the adapter as it lies here.
        found: the adapter as it came back.
        where: what messages call it.

    Returns:
        The bare base model again.

    Raises:
        StageError: they differ in one bit.
    """
    import torch
    from peft import PeftModel

    content = roles.role(role.name).content(_QUESTION, _KNOWLEDGE)
    ids = torch.tensor([formats.load(role.card["format"]).prompt_ids(tokenizer, content)])
    peft = PeftModel.from_pretrained(model, str(role.folder), adapter_name="here")
    peft.load_adapter(str(found), adapter_name="there")
    peft.eval()
    logits = []
    with torch.no_grad():
        for name in ("here", "there"):
            peft.set_adapter(name)
            logits.append(peft(input_ids=ids.to(peft.device)).logits)
    if not torch.equal(*logits):
        msg = f"{where}: published, but its logits differ from those of {role.folder}; run the same command again"
        raise StageError(msg)
    return peft.unload()
