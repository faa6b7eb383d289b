"""Other right answers to exercise 10, as edits of the solution."""

RIGHT = {
    "the join is linked later": (
        (
            'pairs = Join(left, right, name="pairs")',
            "pairs = Join(inputs=2)\n    left.link_target(pairs.inputs[0])\n    right.link_target(pairs.inputs[1])",
        ),
    ),
    "the join takes early": (("Join(left, right, ", "Join(left, right, greedy=True, "),),
    "the functions run at once": (
        ('Transformer(b, on_error="skip", ', "Transformer(b, on_error=Skip(), concurrency=3, executor=Threads(2), "),
        ("import Broadcast,", "import Broadcast, Skip, Threads,"),
    ),
}
