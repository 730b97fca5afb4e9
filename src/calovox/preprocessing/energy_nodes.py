"""Tables in the logarithm of the kinetic energy: linear between nodes, constant beyond them."""

from jaxtyping import Float
from torch import Tensor

__all__ = ["node_weights"]


def node_weights(
    log_energy: Float[Tensor, " event"], nodes: Float[Tensor, " node"]
) -> Float[Tensor, "event node"]:
    """Compute how much each node counts: at most two do, and together they count 1.

    Args:
        log_energy: Logarithms of kinetic energies in MeV.
        nodes: Logarithms of kinetic energies in MeV, evenly spaced, rising; two or more.

    Returns:
        The weights; times the values at the nodes, they interpolate.
    """
    t = log_energy.unsqueeze(1).clamp(min=nodes[0], max=nodes[-1])
    return (1.0 - (t - nodes).abs() / (nodes[1] - nodes[0])).clamp(min=0.0)
