"""Records go to JSON and back, and fingerprints see what matters."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pisces_eval.records import Response, Sample, Score, fingerprint

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.text())
def test_a_sample_survives_json(reference, prompt):
    sample = Sample(
        id="1", kind="ask", prompt=prompt, reference=reference, cluster="1", request="r"
    )
    assert msgspec.json.decode(msgspec.json.encode(sample), type=Sample) == sample


@given(st.dictionaries(st.text(), st.integers(), min_size=2, max_size=5))
def test_a_fingerprint_does_not_see_the_order_of_keys(table):
    assert fingerprint(table) == fingerprint(dict(reversed(table.items())))


def test_a_fingerprint_sees_every_field():
    base = Response(id="1", request="r", text="a")
    changed = [
        msgspec.structs.replace(base, id="2"),
        msgspec.structs.replace(base, request="s"),
        msgspec.structs.replace(base, text="b"),
        msgspec.structs.replace(base, image="i"),
    ]
    assert len({fingerprint(record) for record in (base, *changed)}) == 5


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        Score(id="1", protocol="p").id = "2"
