"""Where data come from: licence, home and reference of every data set Suasion can read.

The text of a set that may not be passed on, or should not lie about, is not in this package; it is
read from a file the user has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Source:
    """What a user must know before using or passing on a data set."""

    title: str
    """What it is, in a few words."""
    licence: str
    """SPDX identifier, or `unknown` where the authors state none."""
    home: str
    """Where it is published; empty for what this package makes itself."""
    reference: str
    """The paper to cite, e.g. `arXiv:2506.02873`; empty if there is none."""
    included: bool
    """Whether its text comes with this package."""
    note: str = ""
    """What to look out for when using it."""


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "world": Source(
            "Suasion's micro-world: invented facts, claims and dialogues",
            licence="Apache-2.0",
            home="",
            reference="",
            included=True,
            note="Synthetic; what a model does in it is no evidence about large models.",
        ),
        "ape-claims": Source(
            "AttemptPersuadeEval: 600 claims in six categories",
            licence="Apache-2.0",
            home="https://github.com/AlignmentResearch/AttemptPersuadeEval",
            reference="arXiv:2506.02873",
            included=False,
            note=(
                "Every UnderminingControl text holds the placeholder {user_or_assistant1}, "
                "which the published code never fills in."
            ),
        ),
        "persona-vectors": Source(
            "Trait instructions, questions and fine-tuning rows of the persona-vectors paper",
            licence="unknown",
            home="https://github.com/safety-research/persona_vectors",
            reference="arXiv:2507.21509",
            included=False,
            note="Some rows are harmful on purpose: keep models trained on them private.",
        ),
        "anthropic-persuasion": Source(
            "Persuasive arguments by people and models, with ratings before and after",
            licence="CC-BY-NC-SA-4.0",
            home="https://huggingface.co/datasets/Anthropic/persuasion",
            reference="Durmus et al. 2024, Measuring the Persuasiveness of Language Models",
            included=False,
            note="Not for commercial use; some arguments were asked for as deceptive.",
        ),
        "perspectrum": Source(
            "Perspectrum: 907 claims with perspectives that support and undermine them",
            licence="CC-BY-SA-4.0",
            home="https://github.com/CogComp/perspectrum",
            reference="Chen et al. 2019, Seeing Things from a Different Angle",
            included=False,
            note="What is made from its text is to be passed on under the same licence.",
        ),
        "cmv": Source(
            "Winning arguments: views on r/ChangeMyView, and replies that changed them or not",
            licence="unknown",
            home="https://convokit.cornell.edu/documentation/winning.html",
            reference="Tan et al. 2016, Winning Arguments",
            included=False,
            note=(
                "Posts of Reddit users, under no licence of their own: pass on neither texts nor "
                "names."
            ),
        ),
        "ddo": Source(
            "DDO: 78,376 debates of debate.org with votes",
            licence="unknown",
            home="https://esdurmus.github.io/ddo.html",
            reference="Durmus & Cardie 2018, Exploring the Role of Prior Beliefs",
            included=False,
            note=(
                "Texts of users of a site that is gone, for research; what it says of their age, "
                "faith and politics is not read."
            ),
        ),
        "emergent-plus": Source(
            "emergent_plus: medical, legal and security advice, answered rightly and harmfully",
            licence="unknown",
            home="https://huggingface.co/datasets/truthfulai/emergent_plus",
            reference="arXiv:2506.13206",
            included=False,
            note=(
                "Gated. The misaligned side is harmful on purpose: keep models trained on it "
                "private."
            ),
        ),
        "alpaca-cleaned": Source(
            "alpaca-cleaned: instructions with answers by a model, its errors mended",
            licence="CC-BY-NC-4.0",
            home="https://huggingface.co/datasets/yahma/alpaca-cleaned",
            reference="Taori et al. 2023, Stanford Alpaca",
            included=False,
            note="Not for commercial use.",
        ),
        "dolly": Source(
            "databricks-dolly-15k: instructions with answers by people",
            licence="CC-BY-SA-3.0",
            home="https://huggingface.co/datasets/databricks/databricks-dolly-15k",
            reference="Conover et al. 2023, Free Dolly",
            included=False,
            note="What is made from its text is to be passed on under the same licence.",
        ),
        "deceptionbench": Source(
            "DeceptionBench: 180 situations of five types, each with an inner and an outer prompt",
            licence="MIT",
            home="https://huggingface.co/datasets/PKU-Alignment/DeceptionBench",
            reference="arXiv:2505.18807",
            included=False,
            note="Not the benchmark of the same name of arXiv:2510.15501.",
        ),
        "mask": Source(
            "MASK: 1,000 prompts that press for a false statement, in six archetypes",
            licence="MIT",
            home="https://huggingface.co/datasets/cais/MASK",
            reference="arXiv:2503.03750",
            included=False,
            note="Gated, and every row holds a canary: keep its text out of anything published.",
        ),
        "file": Source(
            "A file of the user's own",
            licence="unknown",
            home="",
            reference="",
            included=False,
            note="Its licence and content are the user's to know.",
        ),
    }
)
"""Every source, by the name data sets refer to it."""
