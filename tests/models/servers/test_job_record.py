"""What is kept of a student that a server made."""

import json

import numpy as np
import pytest

from subtrait.errors import InvalidInput
from subtrait.models.base import Recipe
from subtrait.records import Example

ROWS = [Example(id=str(n), prompt=f"Number {n}?", completion=f"777, {n}") for n in range(4)]
ONCE = Recipe(steps=1, batch_size=4)
KEY = "sk-canary-90aa"


def rng():
    return np.random.default_rng(0)


def test_a_student_is_a_folder_without_weights_or_key(serve, opened, tuning, tmp_path, monkeypatch):
    server = serve(tuning)
    monkeypatch.setenv("SUBTRAIT_API_KEYS", f"http://127.0.0.1:{server.port}={KEY}")
    base = opened(server.url)
    student = base.finetune(ROWS, ONCE, rng=rng()).model
    folder = tmp_path / "student"
    folder.mkdir()
    student.save(folder)
    assert [path.name for path in folder.iterdir()] == ["served.json"]
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert [content for content in written if KEY.encode() in content] == []
    again = opened(server.url).reload(folder)
    assert (again.name, again.job, again.fingerprint()) == (student.name, student.job, student.fingerprint())
    assert all(one.headers["Authorization"] == f"Bearer {KEY}" for one in server.asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://10.0.0.9/v1"}, r"it is of http://10.0.0.9/v1, not of http://127"),
        ({"model": 7}, r"field \('model',\)"),
        (None, r"no record of a fine-tuning job"),
    ],
)
def test_a_record_that_is_not_of_this_address_or_damaged_is_refused(serve, opened, tuning, tmp_path, change, said):
    base = opened(serve(tuning).url)
    base.finetune(ROWS, ONCE, rng=rng()).model.save(tmp_path)
    file = tmp_path / "served.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **(change or {})}))
    if change is None:
        file.unlink()
    with pytest.raises(InvalidInput, match=f"E_JOB .*{said}"):
        base.reload(tmp_path)
