"""Wrong answers to exercise 6, as edits of the solution."""

CATCH = "except* (OSError, trio.BrokenResourceError):"

BOTH = """\
        nursery.start_soon(run_camera, left, "left")
        nursery.start_soon(run_camera, right, "right")
"""
IN_TURN = """\
        await run_camera(left, "left")
        await run_camera(right, "right")
"""

WRONG = {
    "each network has its own shutdown": (("shutdown=shutdown, ", ""),),
    "what cannot be saved is skipped": (('name="save")', 'name="save", on_error="skip")'),),
    "the exception comes out": ((CATCH, "except* trio.BrokenResourceError:"),),
    "the other exception comes out": ((CATCH, "except* OSError:"),),
    "every exception is caught": ((CATCH, "except* Exception:"),),
    "one after the other": ((BOTH, IN_TURN),),
    "the result is the number of the item": (("shutdown.first_error.item\n", "shutdown.first_error.number\n"),),
    "the result is the whole error": (("shutdown.first_error.item\n", "shutdown.first_error\n"),),
    "nothing is returned": (("    return None if", "    _ = None if"),),
    "one camera is left out": (('        nursery.start_soon(run_camera, right, "right")\n', ""),),
}
