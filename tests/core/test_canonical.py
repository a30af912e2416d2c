import hashlib
import json
import math
import random

import pytest

from staycourse.core.canonical import canonical_json, decode_number, digest, encode_number


def test_equal_values_have_one_spelling():
    one = {"b": [1, 2.5, None, True], "a": {"z": "ü", "y": (1,)}}
    other = {"a": {"y": [1], "z": "ü"}, "b": (1, 2.5, None, True)}
    assert canonical_json(one) == canonical_json(other) == '{"a":{"y":[1],"z":"ü"},"b":[1,2.5,null,true]}'


@pytest.mark.parametrize(("value", "text"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_numbers_that_json_lacks_are_text(value, text):
    assert encode_number(value) == text
    assert canonical_json({"a": [value]}) == f'{{"a":["{text}"]}}'
    assert decode_number(text) == value or math.isnan(value)


def test_finite_numbers_keep_every_bit():
    rng = random.Random(1)
    for _ in range(1000):
        value = rng.choice([rng.random(), rng.expovariate(1e-200), -rng.random() * 1e-300, 5e-324, -0.0])
        again = decode_number(json.loads(canonical_json(encode_number(value))))
        assert math.copysign(1, again) == math.copysign(1, value)
        assert again == value


def test_keys_that_are_numbers_become_text():
    assert canonical_json({"lr": {40: 0.5}}) == '{"lr":{"40":0.5}}'


def test_what_json_cannot_hold_is_no_silent_text():
    with pytest.raises(TypeError):
        canonical_json({"a": object()})


def test_a_digest_is_the_sha256_of_the_text():
    assert digest({"a": "ü"}) == hashlib.sha256('{"a":"ü"}'.encode()).hexdigest()
