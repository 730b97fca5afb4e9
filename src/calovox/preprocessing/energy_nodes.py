"""Tables in the logarithm of energies: linear between nodes, constant beyond them."""

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["fraction_weights", "node_weights"]


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


def fraction_weights(
    logarithm: Float[Tensor, "event layer"], nodes: Float[Tensor, "energy layer fraction"]
) -> Float[Tensor, "event energy layer fraction"]:
    """Compute how much each node of a layer counts, for every node in the kinetic energy.

    Args:
        logarithm: Logarithms of the fractions that layers hold.
        nodes: Logarithms of fractions, rising.

    Returns:
        The weights; at most two of the last dimension are not 0, and together they are 1.
    """
    passed = (logarithm[:, None, :, None] - nodes[..., :-1]) / nodes.diff(dim=-1)
    # 1 before the first node, 0 behind the last
    steps = nn.functional.pad(passed.clamp(0.0, 1.0), (1, 0), value=1.0)
    return -nn.functional.pad(steps, (0, 1)).diff(dim=-1)
