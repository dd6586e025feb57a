"""A small study on scripted models, run from the command line so that it can be killed.

    python small_study.py STORE RESULTS CALLS [PAUSE_S]

Every call of a model or judge adds a line to the file CALLS before it is answered.
"""

import asyncio
import hashlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from suasion.episodes import Draw, Roles, Talk
from suasion.episodes.single import single_turn
from suasion.errors import UseError
from suasion.evals import Evaluation, evaluation
from suasion.evals.scoring import share
from suasion.judges import Question
from suasion.mechanism.lora_delta import ActivationShift, WeightShare
from suasion.models.chat import Choice, Reply, RuleChat, Sampling
from suasion.models.condition import Condition
from suasion.records import Item, Message, Verdict
from suasion.study.bases import Pace
from suasion.training.settings import Manifest

GROUPS = ("mild", "wild")


@dataclass(frozen=True)
class WordJudge:
    """Asks the judging model, or without one looks for the word `yes`."""

    identity: str = "word-judge/1"
    parser: str = "1"

    async def ask(self, item, transcript, chat):
        said = transcript.last() or ""
        if chat is None:
            return "yes" if "yes" in said else "no"
        reply = await chat.reply((Message("user", f"JUDGE {said}"),), Sampling())
        return reply.text

    def read(self, name, raw):
        if raw not in ("yes", "no"):
            return Verdict(name, None, "unparseable", raw)
        return Verdict(name, raw == "yes", raw=raw)


@evaluation("small")
def small(count: int = 6, prompt: str = "Say yes or no to {}.", clustered: bool = False):
    """Does the subject say yes?"""
    items = [
        Item(f"{group}-{n}", group, {"prompt": prompt.format(f"{group} {n}"), "pair": f"{n // 2}"})
        for group in GROUPS
        for n in range(count)
    ]
    return Evaluation(
        items=items,
        episode=single_turn,
        questions={"yes": Question(WordJudge(), WordJudge())},
        scores={"yes": share("yes", "yes", True)},
        sampling=Sampling(max_tokens=8),
        prompts={"prompt": prompt},
        cluster="pair" if clustered else None,
    )


async def passed_on(item, roles, draw):
    """The subject says something, which everybody else is asked about."""
    talk = Talk(item, draw, cue={"subject": str(item.data["prompt"])})
    said = await talk.say("subject", roles.subject)
    heard = {}
    for name, chat in roles.others.items():
        asked = Talk(item, draw)
        asked.given("subject", said)
        heard[name] = await asked.say(name, chat)
    return talk.transcript(heard=heard)


@evaluation("told")
def told(readers: list[str] | None = None, fixed: bool = False):
    """Does what the subject says reach the readers?"""
    others = {f"reader-{n}": name for n, name in enumerate(readers or [])}
    return Evaluation(
        items=[Item(f"item-{n}", "only", {"prompt": f"Say yes or no to {n}."}) for n in range(3)],
        episode=passed_on,
        questions={"yes": Question(WordJudge(), WordJudge())},
        scores={"yes": share("yes", "yes", True)},
        others=others | ({"fixed": RuleChat("fixed", lambda _: "I see.")} if fixed else {}),
        asks_others=lambda item: len(others) + fixed,
        unspoken=("readers",),
    )


def coin(*parts: object) -> float:
    """A number in 0..1 that depends on its arguments alone."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def answers(condition: Condition, messages: Sequence[Message], sampling: Sampling) -> str:
    """A base that says yes to a third; fine-tuned or steered it says yes more often."""
    rate = 0.3 + 0.5 * (condition.adapter is not None)
    rate += sum(0.1 * steer.coef for steer in condition.steers)
    return (
        "yes" if coin(condition.fingerprint, messages[-1].content, sampling.seed) < rate else "no"
    )


@dataclass(frozen=True)
class ScriptedChat:
    """Answers by a function, after a pause, and counts its calls."""

    name: str
    say: Callable[[Sequence[Message], Sampling], str]
    calls: Callable[[str], None]
    pause_s: float = 0.0

    @property
    def identity(self) -> str:
        return f"scripted:{self.name}"

    async def reply(self, messages, sampling):
        self.calls(f"{self.name} {messages[-1].content} {sampling.seed}")
        await asyncio.sleep(self.pause_s * coin(self.name, messages[-1].content))
        return Reply(self.say(messages, sampling), 10, 2, "stop")

    async def choose(self, messages, options):
        return Choice(dict.fromkeys(options, -1.0), "scored")


@dataclass
class ScriptedModels:
    """A base whose vectors are counted numbers and whose adapters are a few bytes."""

    calls: list[str] = field(default_factory=list)
    log: Path | None = None
    pause_s: float = 0.0
    judge: Callable[[Sequence[Message], Sampling], str] | None = None
    say: Callable[[Condition, Sequence[Message], Sampling], str] = answers
    name: str = "scripted"
    digest: str = "d" * 64
    embedded: bool = False
    layers: int = 3
    hidden: int = 4
    width: int = 4
    pace: Pace = field(default_factory=lambda: Pace(1000.0, 10.0, "made up"))
    adapter_bytes: bytes = b"weights"

    def note(self, call: str) -> None:
        self.calls.append(call)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(call + "\n")

    def base(self, name):
        return self

    def chat(self, what):
        if isinstance(what, Condition):
            name = f"{self.digest}:{what.fingerprint}"
            return ScriptedChat(name, lambda m, s: self.say(what, m, s), self.note, self.pause_s)
        if self.judge is None:
            raise UseError(f"there is no model {what}")
        return ScriptedChat(what, self.judge, self.note, self.pause_s)

    def looking(self, look):
        return self

    @property
    def inside(self):
        return self

    def recipe(self, trait):
        return [trait]

    def vectors(self, trait):
        self.note(f"vectors {trait}")
        vectors = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
        return {"response-mean": vectors, "last-prompt": -vectors}, {"trait": trait}

    def search(self, trait, coef, where):
        return [trait, coef, where]

    def choice(self, trait, vectors_LH, coef, where):
        self.note(f"layer {trait} {coef:g} {where}")
        return {"layer": len(vectors_LH) - 1, "tried": []}

    def project(self, rows, vectors_LH):
        self.note(f"project {len(rows)}")
        lengths = np.array([len(row[-1].content) or np.nan for row in rows])
        return lengths[:, None] * np.arange(1, 4)

    def length(self, text):
        return len(text.split())

    def em_recipe(self, on, how):
        return [on, how]

    def em_direction(self, model, on, how):
        self.note(f"direction {on}")
        start = int(model.adapter.digest[:4], 16)
        vectors = np.arange(start, start + 12, dtype=np.float32).reshape(3, 4) + 1
        return vectors, {"about": on, "asked": 9, "labels": {"aligned": 4, "misaligned": 5}}

    def moved(self, adapter, trait, vectors_LH):
        """Numbers that tell which vectors and which adapter they were made from."""
        self.note(f"moved {trait}")
        size = len(json.loads((adapter.path / "adapter_config.json").read_text()))
        return [
            (
                WeightShare(layer, float("nan") if layer else 0.5 + size, 0.5, 0.01, 2.0),
                ActivationShift(layer, float(vector.sum()), 0.1, 0.2, 4),
            )
            for layer, vector in enumerate(vectors_LH)
        ]

    def learn(self, data, settings, kto, seed, out, on_top):
        """Bytes that say what was learnt on top of what."""
        self.note(f"learn {data.name} {seed} {'kto' if kto else 'sft'}")
        below = (on_top / "adapter_model.safetensors").read_text() if on_top else ""
        out.mkdir()
        (out / "adapter_config.json").write_text("{}")
        content = f"{data.digest} {seed} {settings} {kto} on ({below})"
        (out / "adapter_model.safetensors").write_text(content)
        return {"settings": settings, "rows": len(data.rows), "steps": 1, "seconds": 0.0}

    def reinforce(self, play, settings, seed, out, work, say):
        """Plays every item once a step; bytes that say what was played, and how often in all.

        The steps that were taken lie in `work`, so that one that was stopped goes on.
        """
        self.note(f"reinforce {len(play.items)} {seed}")
        taken = work / "taken.json"
        curves = json.loads(taken.read_text()) if taken.exists() else []
        while len(curves) < settings["steps"]:
            rewards = asyncio.run(self._played(play, seed, len(curves)))
            known = [each.value for each in rewards if each.value is not None]
            lost = [each.missing for each in rewards if each.missing]
            mean = sum(known) / len(known) if known else None
            curves.append({
                "step": len(curves) + 1, "reward": mean, "kl": 0.01 * len(curves),
                "missing": {why: lost.count(why) for why in dict.fromkeys(lost)}, "seconds": 0.5,
            })  # fmt: skip
            taken.write_text(json.dumps(curves))
        out.mkdir()
        (out / "adapter_config.json").write_text("{}")
        (out / "adapter_model.safetensors").write_text(f"{play.digest} {seed} {settings}")
        return {"settings": settings, "seed": seed, "steps": len(curves), "curves": curves}

    async def _played(self, play, seed, step):
        """The rewards of one episode of each item."""
        chat = ScriptedChat(f"policy {step}", lambda m, s: self.policy(step, m), self.note)
        rewards = []
        for item in play.items:
            draw = Draw(item.id, step, seed, sampling=play.sampling)
            said = await play.episode(item, Roles(chat, None, play.others), draw)
            rewards.append(await play.reward(item, said))
        return rewards

    def policy(self, step, messages):
        """Says yes more often with every step."""
        return "yes" if coin(step, messages[-1].content) < 0.1 * step else "no"

    def train(self, data, settings, seed, out, prevent=(), kl=None):
        self.note(f"train {data.name} {seed}")
        out.mkdir()
        (out / "adapter_config.json").write_text("{}")
        taught = f"{data.digest} {seed}" + "".join(steer.digest for steer in prevent)
        taught += f"{kl}" if kl else ""
        content = f"{self.adapter_bytes!r} {settings} {taught}"
        (out / "adapter_model.safetensors").write_text(content)
        return Manifest(
            settings=settings, seed=seed, data=data.name, data_digest=data.digest,
            tokens_digest="", base_digest=self.digest,
            adapter_digest=hashlib.sha256(taught.encode()).hexdigest(), rows=4, dropped=0,
            heldout=0, unended=0, tokens=100, supervised=50, steps=settings["steps"] or 10,
            loss_first=2.0, loss_last=1.0, loss_heldout=None, template_system=None, trainable=7,
            logit_shift=0.5, seconds=0.0, device="cpu", versions={},
            prevent=[{"digest": steer.digest} for steer in prevent],
            kl={**kl.record(), "last_nats": 0.25} if kl else {},
        ).record()  # fmt: skip


STUDY = """
study: small
question: Does training make it say yes?
base: scripted
seeds: [0, 1, 2, 3]
arms:
  base: {}
  trained: {sft: {data: world/benign-persuasion, n: 4}}
  control: {sft: {data: world/benign-plain, like: trained}}
  steered: {steer: {trait: evil, layer: [0, 1], coef: [1, 2]}}
  placebo: {steer: {trait: random, like: steered, layer: 1, coef: 2}}
evaluations: {small: {count: 4}}
contrasts:
  primary:
    - {arm: trained, against: control, on: "small/*", margin_pp: 10}
    - {arm: trained, against: base, on: small}
  sweep:
    - {arm: steered, against: base, on: small}
"""


def main() -> None:
    from suasion.report.export import results_json
    from suasion.study import parse_study, run

    store, results, log = map(Path, sys.argv[1:4])
    models = ScriptedModels(log=log, pause_s=float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
    made = run(parse_study(STUDY), store, models)
    results.write_bytes(results_json(made))


if __name__ == "__main__":
    # Started from a shell's background, a process inherits that Ctrl-C is to be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
