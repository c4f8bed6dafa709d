"""The documents follow the code."""

import pytest

from scripts.generate_docs import ROOT, generated, tables


@pytest.mark.parametrize("document", tables())
def test_the_tables_are_those_of_the_catalogue_and_the_scenes(document):
    assert generated(document) == (ROOT / document).read_text(), "run: .venv/bin/python -m scripts.generate_docs"
