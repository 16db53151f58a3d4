"""The index of hashes: it knows what it met, whatever the order, and comes back from text as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songsmith.corpus.storage.hash_index import HashIndex, encode_entries, hash_text, hash_texts

BATCHES = st.lists(st.dictionaries(st.text(max_size=8), st.integers(0, 2**32 - 1), max_size=9), max_size=8)


@given(batches=BATCHES, limit=st.integers(1, 9))
def test_it_knows_what_it_met_as_a_dictionary_would(batches: list[dict[str, int]], limit: int):
    index, again, known = HashIndex(limit), HashIndex(limit), {}
    for batch in batches:
        new = {text: number for text, number in batch.items() if text not in known}
        known |= new
        index.add(hash_texts(new.items()))
        again.add_encoded(json.loads(json.dumps(encode_entries(hash_texts(new.items())))))
        for one in (index, again):
            assert len(one) == len(known)
            assert {text: one.get(text) for text in known} == known
            assert one.get("no text of these lists is as long as this one") is None


def test_half_a_character_has_a_hash():
    assert hash_text("\ud800") != hash_text("?")


@pytest.mark.parametrize("written", ["?", "AAAA", "AAAAAAAAAAAAAAA", "é"])
def test_what_is_no_entry_is_refused(written: str):
    with pytest.raises(ValueError, match=r"."):
        HashIndex().add_encoded(written)
