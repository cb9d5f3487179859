"""What tests of the lab share."""

import pytest


@pytest.fixture
def store(tmp_path):
    """A store that is a real run folder."""
    from subtrait.runs import open_run

    with open_run(tmp_path / "run", {"test": "lab"}, environment={}) as folder:
        yield folder
