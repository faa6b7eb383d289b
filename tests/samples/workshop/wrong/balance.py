"""Wrong answers to exercise 5, as edits of the solution."""

WRONG = {
    "nothing restores the order": (
        ("noise.link_target(in_order)", "noise.link_target(show)"),
        ("    in_order.link_target(show)\n", ""),
    ),
    "nothing goes through the multiplexer": (("noise.link_target(in_order)", "noise.link_target(show)"),),
    "the first filter takes all": (("capacity=1, ", ""),),
    "there is only one block": (
        ("for number in range(1, filters + 1):", "for number in (1,):"),
        ("capacity=1, ", "concurrency=filters, "),
    ),
    "there are always two": (("for number in range(1, filters + 1):", "for number in (1, 2):"),),
    "a filter has room for a second image": (("capacity=1, ", "capacity=3, "),),
    "the numbers begin with 0": (("key=lambda image: image,", "key=lambda image: image, start=0,"),),
    "half of the images get lost": (
        (
            "    camera.link_target(load)\n",
            "    camera.link_target(load, filter=lambda image: image % 2)\n    camera.link_target(Call(abs))\n",
        ),
        ("key=lambda image: image,", "key=lambda image: (image + 1) // 2,"),
    ),
    "the period of one filter is wrong": (("PERIOD_OF_ONE = 2.0", "PERIOD_OF_ONE = 5"),),
    "the period of two filters is wrong": (("PERIOD_OF_TWO = 1.0", "PERIOD_OF_TWO = 2"),),
    "the time of six images is wrong": (("SIX_IMAGES = 10.0", "SIX_IMAGES = 6"),),
}
