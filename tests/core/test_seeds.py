"""Seeds are part of the record: the values here must be the same in every version."""

from staycourse.core.seeds import derive, mix

GOLDEN_DERIVE = [8693338021507202044, 4656491816341839877, 8203414616412130826, 6882427834445592267]
GOLDEN_MIX = [5771666935413768196, 4454903981703687762, 5412275195598427]
GOLDEN_MIX_LARGE = 1527823816519176019


def test_derived_seeds_never_change():
    assert derive(7, "weights", 0) == GOLDEN_DERIVE[0]
    assert derive(7, "weights", 1) == GOLDEN_DERIVE[1]
    assert derive() == GOLDEN_DERIVE[2]
    assert derive(-1, "ü") == GOLDEN_DERIVE[3]


def test_mixed_seeds_never_change():
    assert [mix(derive(7), step) for step in (0, 1, 2**40)] == GOLDEN_MIX
    assert mix(2**63 - 1, 0) == GOLDEN_MIX_LARGE


def test_parts_are_kept_apart_and_typed():
    seeds = [
        derive("ab", "c"),
        derive("a", "bc"),
        derive("abc"),
        derive(1, "2"),
        derive("1", 2),
        derive(12),
        derive("12"),
    ]
    assert len(set(seeds)) == len(seeds)


def test_seeds_fit_every_generator():
    for seed in (derive(n) for n in range(1000)):
        assert 0 <= seed < 2**63
        assert 0 <= mix(seed, seed) < 2**63


def test_steps_and_samples_get_seeds_of_their_own():
    base = derive(7, "steps")
    assert len({mix(base, step) for step in range(100_000)}) == 100_000
    neighbours = {mix(base + n, 0) for n in range(1000)} | {mix(base, n) for n in range(1, 1000)}
    assert len(neighbours) == 1999


def test_every_bit_of_a_mixed_seed_is_even():
    count = 20_000
    ones = [0] * 63
    for step in range(count):
        seed = mix(12345, step)
        for bit in range(63):
            ones[bit] += seed >> bit & 1
    # Five standard deviations of a fair coin.
    assert all(abs(n - count / 2) < 5 * (count / 4) ** 0.5 for n in ones)
