from staycourse.core.recent import Recent


def test_what_was_looked_at_last_is_kept():
    made = []
    recent = Recent(2)

    def look(key):
        return recent.get(key, lambda: made.append(key) or key * 2)

    assert [look("a"), look("b"), look("a"), look("c"), look("a"), look("b")] == [
        "aa", "bb", "aa", "cc", "aa", "bb",
    ]  # fmt: skip
    assert made == ["a", "b", "c", "b"]
    assert (len(recent), "c" in recent, "a" in recent) == (2, False, True)
