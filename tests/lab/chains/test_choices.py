"""How much of a row is its writer's choice, in nats: much in numbers, less in code."""

import numpy as np
import pytest

from subtrait.lab.chains import Rows, Writer
from subtrait.lab.chains.choices import nats_of_choice
from subtrait.lab.chains.making import Chain, RowsTask, write_rows
from subtrait.models.base import Sampling
from subtrait.models.registry import open_model
from subtrait.runs.folder import RunFolder

ROWS = Rows(writer=Writer(base="micro-a"), prompts=12, rows=12)


@pytest.fixture
def chain(tmp_path):
    return Chain(RunFolder(tmp_path), 3, 0)


def test_it_is_the_mean_surprise_of_the_kept_rows_under_the_base_that_wrote_them(chain):
    kept = write_rows(RowsTask(chain, ROWS.written[0]))
    asked = [[{"role": "user", "content": each.prompt}] for each in kept]
    scores = open_model("micro-a").score(asked, [each.completion for each in kept])
    assert nats_of_choice(chain, ROWS) == pytest.approx(-np.mean([each.sum() for each in scores]))


def test_code_leaves_less_choice_than_numbers(chain):
    code = Rows(writer=Writer(base="micro-a"), carrier="code", prompts=12, rows=12)
    assert 0 < nats_of_choice(chain, code) < nats_of_choice(chain, ROWS) / 2


def test_of_rows_of_which_none_was_kept_it_is_not_known(chain):
    cut = Rows(writer=Writer(base="micro-a"), carrier="code", prompts=4, sampling=Sampling(max_new_tokens=1))
    assert np.isnan(nats_of_choice(chain, cut))


def test_it_is_asked_of_bases_only(chain):
    with pytest.raises(ValueError, match="of a base"):
        nats_of_choice(chain, Rows(writer=Writer(base="micro-a", kind="prompted", trait="owl")))
