import random

import pytest
from tests.support.random_events import WORDS

from staycourse.core.canonical import digest
from staycourse.record import ledger

ODD = [*WORDS, "\x00\x1f\x7f \b\f\t\r\n", "\u2028 \ud7ff \uffff \U0010ffff", '{"a":"\\u0000"}', "/"]


@pytest.mark.parametrize("seed", range(20))
def test_the_hash_is_that_of_the_canonical_json_of_what_it_covers(seed):
    rng = random.Random(seed)
    time, kind, body = ("".join(rng.choices(ODD, k=rng.randint(0, 4))) for _ in range(3))
    seq, prev = rng.randint(1, 10**9), rng.randbytes(32).hex()
    assert ledger.chained(seq, time, kind, body, prev).hash == digest([seq, time, kind, body, prev])
