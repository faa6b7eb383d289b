"""Wrong answers to exercise 10, as edits of the solution."""

OWN_PAIRS = """\
    lefts, rights = [], []

    def match() -> None:
        while lefts and rights:
            d((lefts.pop(0), rights.pop(0)))

    def take_left(result: int) -> None:
        lefts.append(result)
        match()

    def take_right(result: int) -> None:
        rights.append(result)
        match()

    left.link_target(Call(take_left))
    right.link_target(Call(take_right))
"""

WRONG = {
    "there is no broadcast": (
        ("both.link_target(left)", "first.link_target(left)"),
        ("both.link_target(right)", "first.link_target(right, filter=lambda item: item % 2)"),
        ("    first.link_target(both)\n", ""),
        ("Join(left, right,", 'Join(left, right, key=lambda result: result % 1000, unmatched="drop",'),
        ("first.link_target(left)", "first.link_target(left, filter=lambda item: item % 2 == 0)"),
    ),
    "b stops the run": (('Transformer(b, on_error="skip", ', "Transformer(b, "),),
    "the results are turned round": (("Join(left, right,", "Join(right, left,"),),
    "two queues instead of a join": (
        ('    pairs = Join(left, right, name="pairs")\n', OWN_PAIRS),
        ("    pairs.link_target(last)\n", ""),
    ),
    "b is called for each item twice": (("Transformer(b, ", "Transformer(lambda item: b(item) and b(item), "),),
    "the order is not kept": (
        (
            'Transformer(b, on_error="skip", ',
            'Transformer(b, on_error="skip", executor=Threads(2), concurrency=2, ordered=False, ',
        ),
        ("Network, Transformer", "Network, Threads, Transformer"),
    ),
    "d is not linked": (("    pairs.link_target(last)\n", ""),),
    "a filter takes too much": (
        (
            "both.link_target(left)",
            "both.link_target(left, filter=lambda item: item % 3)\n    both.link_target(Call(abs))",
        ),
    ),
    "the join hands on one result": (
        (
            "pairs.link_target(last)",
            "fold = Transformer(lambda pair: pair[0])\n    pairs.link_target(fold)\n    fold.link_target(last)",
        ),
    ),
}
