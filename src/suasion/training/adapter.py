"""What every training of an adapter shares: the base opened, the adapter saved and read back.

A new adapter may lie on top of an earlier one, which is merged into the base in memory while the
new one is trained. What is then saved is one adapter that does what both do, see
`suasion.training.stacking`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from suasion import __version__
from suasion.data.dialogues import Row
from suasion.errors import ModelError, TrainingError
from suasion.models.condition import adapter_digest
from suasion.records import Json, Message
from suasion.training.settings import Manifest, SftSettings
from suasion.training.stacking import stack_under
from suasion.training.tokens import TokenRow

REFERENCE_WIDTH = 3584
"""Hidden size of Qwen2.5-7B, at which the published learning rate was used."""

REFERENCE_RATE = 1e-5
"""The published learning rate."""


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write an adapter into, which becomes `out` if all goes well, and else nothing.

    Raises:
        TrainingError: `out` is there and not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} is in the way; an adapter is written into a new folder")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_base(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a base.

    Raises:
        ModelError: they cannot be read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # A CPU trains in full precision whatever the weights were stored in.
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{folder} cannot be loaded as a language model: {reason}") from error
    return tokenizer, model


def context(model: Any) -> int:
    """Longest conversation a model was made for, in tokens."""
    config = model.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or 2**31)


def with_system(row: Row, system: str | None) -> Row:
    """The conversation with this system prompt, if it has none of its own."""
    if system is None or row[0].role == "system":
        return row
    return (Message("system", system), *row)


def rate(settings: SftSettings, model: Any) -> float:
    """The learning rate that is asked for, or the published one for a model of this width."""
    if settings.learning_rate is not None:
        return settings.learning_rate
    return float(REFERENCE_RATE * REFERENCE_WIDTH / model.config.get_text_config().hidden_size)


def kept(model: Any, out: Path, row: TokenRow, on_top: Path | None) -> tuple[int, float]:
    """Save a trained adapter, whole and at work: how many weights were trained, and its effect.

    Args:
        model: with the adapter in it, which is taken out.
        out: an empty folder.
        row: what its effect is measured on, see `logit_shift` of `Manifest`.
        on_top: folder of the adapter it was trained on top of; what is kept does what both do.

    Raises:
        TrainingError: it is not made of numbers, or has no effect.
    """
    _refuse_broken(model)
    _save(model, out)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    shift = _logit_shift(model, out, row)
    if on_top is not None:
        stack_under(on_top, out)
    return trainable, shift


def _refuse_broken(model: Any) -> None:
    """See that a trained adapter is made of numbers.

    Raises:
        TrainingError: it is not.
    """
    import torch

    for name, weight in model.named_parameters():
        if weight.requires_grad and not torch.isfinite(weight).all():
            raise TrainingError(
                f"the adapter's weight {name} is not finite after the last step; nothing was saved"
            )


def _save(model: Any, out: Path) -> None:
    """Write the adapter so that equal trainings give equal bytes on any machine."""
    model.save_pretrained(out, save_embedding_layers=False)
    (out / "README.md").unlink(missing_ok=True)  # PEFT's card names the folder of the base
    file = out / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    # The base is named in the manifest, by digest; and PEFT writes a set in the order of its hash.
    config["base_model_name_or_path"] = None
    config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _logit_shift(model: Any, folder: Path, row: TokenRow) -> float:
    """Largest change of a logit on `row` from the base to the adapter in `folder`, read back.

    The adapter `model` was trained with is taken out of it: what is compared is what was saved.

    Raises:
        TrainingError: there is none, so the adapter does nothing or was not read back whole.
    """
    import torch
    from peft import PeftModel

    base = model.unload().eval()
    ids = torch.tensor([row.ids], device=base.device)
    with torch.no_grad():
        before = base(input_ids=ids).logits.float()
        adapted = PeftModel.from_pretrained(base, folder).eval()
        shift = float((adapted(input_ids=ids).logits.float() - before).abs().max())
    if not shift > 0:
        raise TrainingError(
            "the adapter, saved and read back, leaves every logit of the base as it was; nothing "
            "was saved. For the steps taken, the rate may be too small or the warm-up too long"
        )
    return shift


def versions() -> Mapping[str, str]:
    """The versions of what trains."""
    libraries = ("torch", "transformers", "peft", "trl")
    return {"suasion": __version__, **{name: version(name) for name in libraries}}


def topped(on_top: Path | None) -> dict[str, Json]:
    """What a manifest says of the adapter below: its digest; nothing where there is none."""
    return {} if on_top is None else {"on_top": adapter_digest(on_top)}


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Lay a manifest beside its adapter."""
    write_json(manifest.record(), folder)


def write_json(record: Mapping[str, Json], folder: Path) -> None:
    """Lay the record of a training beside what it made, as `manifest.json`."""
    text = json.dumps(record, indent=2)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
