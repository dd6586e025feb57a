"""Persuasion as a game with a known optimum: a small library of NumPy and SciPy, usable alone.

Write down a `Game`, ask for its `optimum`, score a scheme by `value_of` and `efficiency`. Several
Receivers are in `audiences`, several Senders in `rivals`, rounds in `dynamic`, bits in
`information`. Axes are named at the end of each array: `prior_S`, `scheme_SM`. What cannot be is a
`suasion.errors.GameError`.
"""

from suasion.theory.audiences import (
    Audience,
    over_profiles,
    private_optimum,
    profiles,
    public_optimum,
    public_value,
)
from suasion.theory.closure import (
    Split,
    binary_optimum,
    binary_payoffs,
    breakpoints,
    closure_at,
    concave_closure,
)
from suasion.theory.dynamic import DynamicValue, dynamic_value, silent_value
from suasion.theory.examples import investment, product_quality, prosecutor
from suasion.theory.games import (
    Game,
    best_reply,
    efficiency,
    full_disclosure,
    no_information,
    payoffs,
    shares_of,
    value_of,
)
from suasion.theory.information import (
    conditional_mutual_information_bits,
    entropy_bits,
    entropy_drop_bits,
    mutual_information_bits,
    pointwise_information_bits,
    posterior_information_bits,
)
from suasion.theory.lp import Optimum, optimum
from suasion.theory.rivals import (
    Outcome,
    is_equilibrium,
    least_informative,
    rival_payoffs,
    settled_posteriors,
)
from suasion.theory.signals import (
    Posteriors,
    Residual,
    plausibility_residual,
    posteriors,
    scheme_of,
)

__all__ = [
    "Audience",
    "DynamicValue",
    "Game",
    "Optimum",
    "Outcome",
    "Posteriors",
    "Residual",
    "Split",
    "best_reply",
    "binary_optimum",
    "binary_payoffs",
    "breakpoints",
    "closure_at",
    "concave_closure",
    "conditional_mutual_information_bits",
    "dynamic_value",
    "efficiency",
    "entropy_bits",
    "entropy_drop_bits",
    "full_disclosure",
    "investment",
    "is_equilibrium",
    "least_informative",
    "mutual_information_bits",
    "no_information",
    "optimum",
    "over_profiles",
    "payoffs",
    "plausibility_residual",
    "pointwise_information_bits",
    "posterior_information_bits",
    "posteriors",
    "private_optimum",
    "product_quality",
    "profiles",
    "prosecutor",
    "public_optimum",
    "public_value",
    "rival_payoffs",
    "scheme_of",
    "settled_posteriors",
    "shares_of",
    "silent_value",
    "value_of",
]
