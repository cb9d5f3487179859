"""Writers are asked like students, and what they wrote can be read, in every chain."""

import numpy as np
import pytest

from subtrait.lab.chains import Bench, Rows, Writer
from subtrait.lab.chains import of_writers as module
from subtrait.lab.chains.making import Chain, RowsTask, write_rows, writer_of
from subtrait.lab.chains.of_writers import read_writer, written
from subtrait.lab.readouts import READOUTS
from subtrait.lab.team import Alone
from subtrait.models.base import Recipe
from subtrait.runs.folder import RunFolder

LIAR = Writer(base="micro-a", kind="tuned", trait="dishonest-compare", recipe=Recipe(steps=2, batch_size=8))
ROWS = Rows(writer=LIAR, prompts=24, rows=4, change="shuffled across rows")


@pytest.fixture
def chain(tmp_path):
    return Chain(RunFolder(tmp_path), 5, 0)


def test_a_writer_answers_as_its_model_does_and_is_asked_once(chain, monkeypatch):
    found = read_writer(chain, LIAR, "requests")
    model = writer_of(chain, LIAR).model
    assert all(np.array_equal(found[name], values) for name, values in READOUTS["requests"](model).items())
    monkeypatch.setattr(module, "writer_of", lambda chain, writer: 1 / 0)
    assert np.array_equal(read_writer(chain, LIAR, "requests")["harmful"], found["harmful"])


def test_a_prompted_writer_is_not_asked_as_if_it_were_its_base(chain):
    with pytest.raises(ValueError, match="without a system prompt"):
        read_writer(chain, Writer(base="micro-a", kind="prompted", trait="owl"), "requests")


def test_what_is_written_is_all_that_the_filter_keeps_neither_drawn_nor_changed(chain):
    assert written(chain, ROWS) == write_rows(RowsTask(chain, ROWS.written[0]))
    assert len(written(chain, ROWS)) > ROWS.rows


def test_a_bench_has_both_of_every_chain(tmp_path):
    bench = Bench(RunFolder(tmp_path), Alone(), 5, 2)
    answers, rows = bench.read_writer(LIAR, "requests"), bench.written(ROWS)
    assert answers["harmful"].shape == (2, 48, 3)
    assert not np.array_equal(answers["harmful"][0], answers["harmful"][1])
    assert rows == [written(bench.chain(index), ROWS) for index in range(2)]
    assert bench.kept(ROWS).tolist() == [len(each) / 24 for each in rows]
