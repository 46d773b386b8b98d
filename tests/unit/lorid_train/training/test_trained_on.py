"""The hashes by which a run tells what it was trained on."""

from lorid_data.schema import sha256_text
from lorid_train.training.trained_on import text_hash


def test_a_hash_is_of_the_text_as_it_was_whatever_else_is_read_as_the_same() -> None:
    """Folders of runs hold it: made otherwise, a question that was trained on would look new."""
    assert text_hash("Ann has १२  Apples") == sha256_text("ann has १२ apples")
