"""Other right answers to exercise 9, as edits of the solution."""

RIGHT = {
    "another cut that is as good": (('4: ["turn", "sharpen", "encode"]', '4: ["turn", "crop", "encode"]'),),
    "one more": (('4: ["turn", "sharpen", "encode"]', '4: ["crop", "sharpen", "encode"]'),),
    "tuples": (('2: ["sharpen"]', '2: ("sharpen",)'),),
}
