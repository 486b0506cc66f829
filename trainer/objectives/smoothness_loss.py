"""Action smoothing: the policy changes its action little from one imagined step to the next."""

from torch import Tensor

from agent.networks.policy import Policy


def smoothness_loss(policy: Policy, feature: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean squared change of the expected action between steps of a dream, ().

    `feature`: (H+1, N, F), time first; it gets no gradient. `weight`: (H+1, N), of each state; that
    of the later state counts. It is the temporal term of CAPS
    (Mysore 2021, eq. 2), with a squared distance, at imagined states.
    """
    action = policy.expected_action(feature.detach())
    return (weight[1:] * (action[1:] - action[:-1]).square().mean(-1)).mean()
