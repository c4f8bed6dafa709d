"""The documents follow the code."""

from scripts.generate_docs import README, generated


def test_the_readmes_tables_are_those_of_the_catalogue():
    text = README.read_text()
    assert generated(text) == text, "run: .venv/bin/python -m scripts.generate_docs"
