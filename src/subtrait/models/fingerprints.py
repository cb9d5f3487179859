"""What makes two networks the same: every number of them, and what their configuration says of the function.

Weights that stay in their files are digested as they are computed with.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from subtrait.models.transformers_adapter import Network

if TYPE_CHECKING:
    import torch

DIGESTED = 2**22
"""Numbers that are digested together."""


def digest_network(network: Network, digest: Any) -> None:
    """Feed name, dtype, shape and bytes of every tensor, in order of name, and the configuration into `digest`."""
    digest.update(json.dumps(configuration(network), sort_keys=True, default=str).encode())
    digest_tensors(_tensors(network), digest, dtype=network.computed_in)


def _tensors(network: Network) -> "Iterator[tuple[str, torch.Tensor]]":
    """Every tensor of the network with its name, in their order."""
    for name, tensor in sorted(network.module.state_dict().items()):
        yield name, tensor
        part = network.module.get_submodule(name.rpartition(".")[0])
        if hasattr(part, "pages"):
            part.pages.let_go()


def digest_tensors(tensors: "Iterable[tuple[str, torch.Tensor]]", digest: Any, *, dtype: str | None = None) -> None:
    """Feed name, dtype, shape and bytes of every tensor into `digest`; of fractions in another `dtype` if one is given.

    A few million numbers are in memory together.
    """
    import torch

    for name, tensor in tensors:
        kind = getattr(torch, dtype) if dtype and tensor.is_floating_point() else tensor.dtype
        head = json.dumps([name, str(kind), list(tensor.shape)])
        digest.update(f"\n{head}\n".encode())
        for piece in tensor.detach().contiguous().flatten().split(DIGESTED):
            digest.update(piece.to("cpu", kind).view(torch.uint8).numpy())


def configuration(network: Network) -> dict[str, Any]:
    """What the configuration says of the function computed, without versions, paths and number formats."""
    fields: dict[str, Any] = network.module.config.to_diff_dict()
    volatile = {"transformers_version", "_name_or_path", "dtype", "torch_dtype", "architectures", "use_cache"}
    return {name: value for name, value in fields.items() if name not in volatile}
