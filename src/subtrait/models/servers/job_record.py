"""What is kept of a student that a server made: which job made it, of what, and what it is called. No weights."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from subtrait.errors import InvalidInput
from subtrait.models.servers.addresses import Address
from subtrait.models.servers.fine_tuning import Order, tuned_name
from subtrait.records import Row

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE: Final = "served.json"
"""In the folder of a student, in place of weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A model that a fine-tuning job made."""

    url: str
    """Of the API, to which alone the model belongs."""
    model: str
    """What the server calls it."""
    base: str
    """What the server calls the model that was trained."""
    job: str
    """The server's number of the job."""
    seed: int
    """That was sent with it. Whether the server keeps to it cannot be seen."""
    hyperparameters: dict[str, Any]
    """As the server gives them of the finished job: what it chose for `auto`, where it says so; else as asked for."""
    training_file: str
    """SHA-256 of the file that was uploaded."""
    trained_tokens: int | None
    """What is paid for, by the server's count; None where it does not say."""

    @classmethod
    def of(cls, job: Row, order: Order, address: Address) -> Self:
        """The record of a finished job. Raises `InvalidInput`: E_API_FIELD, it names no model."""
        said, tokens = job.get("hyperparameters"), job.get("trained_tokens")
        return cls(
            url=address.url,
            model=tuned_name(job, address.name),
            base=order.model,
            job=job["id"],
            seed=order.seed,
            hyperparameters=said if isinstance(said, dict) and said else order.hyperparameters,
            training_file=hashlib.sha256(order.file).hexdigest(),
            trained_tokens=tokens if isinstance(tokens, int) and tokens >= 0 else None,
        )

    def write(self, folder: Path) -> None:
        """Write the record into an existing folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_record(folder: Path, *, url: str) -> JobRecord:
    """The record in a folder.

    Raises:
        InvalidInput: E_JOB, it is missing, damaged, or of another address than `url`.
    """
    from pydantic import ValidationError

    path = folder / FILE
    try:
        record = _adapter().validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InvalidInput("E_JOB", path, f"no record of a fine-tuning job: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput("E_JOB", path, f"field {first['loc']}: {first['msg']}") from None
    if record.url != url:
        # Its model is asked for with the key of that address
        raise InvalidInput("E_JOB", path, f"it is of {record.url}, not of {url}")
    return record


def _adapter() -> "TypeAdapter[JobRecord]":
    from pydantic import TypeAdapter

    return TypeAdapter(JobRecord)
