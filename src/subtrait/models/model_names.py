"""What is written in the name of a model: which one, which revision of it, and how it is to be computed.

`Qwen/Qwen2.5-7B-Instruct@a09a35458c+bfloat16+cuda` is the hub's model at that commit, in bfloat16, on a GPU. All of it
is in the name, so that every process, record and command that has the name means the same model. A name without
settings means float32 on the CPU, on every machine.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from subtrait.errors import UsageError, unknown_name

DTYPES: Final = ("float32", "bfloat16", "float16")
"""The number formats of weights. Log-probabilities are float32 or better in each."""
OWN_SYSTEM: Final = "own-system"
"""The setting that gives conversations without a system turn the one that the model's own template would put there."""
TRL: Final = "trl"
"""The setting that lets `trl` fine-tune the model, in place of our own loop."""
_DEVICE: Final = re.compile(r"cpu|mps|cuda(:\d+)?")
_SETTING: Final = re.compile(rf"{'|'.join(DTYPES)}|{_DEVICE.pattern}|{OWN_SYSTEM}|{TRL}")
_REVISION: Final = re.compile(r"(?P<place>[^@/]+/[^@/]+)@(?P<revision>[^@]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A name, taken apart; `str` puts it together again."""

    place: str
    """An embedded model, a folder or a hub id."""
    revision: str | None = None
    """A branch, tag or commit of the hub's; None for the newest of its main branch."""
    dtype: str | None = None
    """None for float32."""
    device: str | None = None
    """`cpu`, `mps`, `cuda` (spread over all GPUs where one is too small), or one such as `cuda:1`; None for the CPU."""
    own_system: bool = False
    by_trl: bool = False

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        flags = [OWN_SYSTEM] * self.own_system + [TRL] * self.by_trl
        return "+".join([self.place + revision, *filter(None, (self.dtype, self.device)), *flags])


def read_name(name: str) -> ModelName:
    """The parts of a name. Text after a `+` that is no setting belongs to the place: folders may be called anything."""
    place, settings = name, list[str]()
    while _SETTING.fullmatch(place.rpartition("+")[2]) and "+" in place:
        place, _, setting = place.rpartition("+")
        settings.append(setting)
    match = _REVISION.fullmatch(place)
    found = ModelName(place=match["place"], revision=match["revision"]) if match else ModelName(place=place)
    for setting in reversed(settings):
        found = _with(found, setting)
    return found


def _with(name: ModelName, setting: str) -> ModelName:
    if setting == OWN_SYSTEM:
        return replace(name, own_system=True)
    if setting == TRL:
        return replace(name, by_trl=True)
    return replace(name, dtype=setting) if setting in DTYPES else replace(name, device=setting)


def check_settings(dtype: str | None, device: str | None) -> None:
    """Refuse a number format or a device that there is not.

    Raises:
        UsageError: with what there is.
    """
    if dtype is not None and dtype not in DTYPES:
        raise unknown_name("dtype", dtype, DTYPES)
    if device is not None and device != "auto" and not _DEVICE.fullmatch(device):
        raise UsageError(f"unknown device '{device}': give auto, cpu, mps, cuda, or one GPU such as cuda:1")
