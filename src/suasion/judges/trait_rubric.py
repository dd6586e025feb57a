"""A trait as a trait file's own rubric has it: its `eval_prompt`, with our guards around the text.

The form is that of the persona-vectors paper (arXiv 2507.21509), whose judge gets question and
answer pasted into the rubric. Here the rubric's places for them point to the fenced data below it,
so that what a model wrote cannot speak to its judge.
"""

from __future__ import annotations

from suasion.judges import Question
from suasion.judges.logprob import LogprobJudge
from suasion.judges.rubric import load_prompt
from suasion.judges.seen import talk_with

QUESTION = "(what the person said, in the data below)"
"""Stands in the rubric where the question would."""
ANSWER = "(what the assistant answered, in the data below)"
"""Stands in the rubric where the answer would."""


def by_rubric(eval_prompt: str) -> Question:
    """The trait, 0 to 100, by a rubric with `{question}` and `{answer}`; a model must be asked.

    Args:
        eval_prompt: the rubric, as a trait file has it.
    """
    pointed = eval_prompt.replace("{question}", QUESTION).replace("{answer}", ANSWER)
    template = load_prompt("trait_rubric").replace("$rubric", pointed.replace("$", "$$"))
    return Question(LogprobJudge("trait", template, talk_with()))
