"""Settings that every test shares: how hard Hypothesis looks, and how it says what it found."""

import os
import signal

from hypothesis import HealthCheck, settings

os.environ.pop("NO_COLOR", None)  # what draws in colour is told so by its test, and not by who runs it

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell script; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline and no "too slow" health check: both measure the machine, and busy cores are no fault.
# Never derandomized: each run looks elsewhere, and a failure prints the blob that repeats it.
# Choose another profile with `pytest --hypothesis-profile=nightly`.
for profile, max_examples in {"brief": 20, "dev": 100, "ci": 300, "nightly": 5_000}.items():
    settings.register_profile(
        profile,
        max_examples=max_examples,
        deadline=None,
        derandomize=False,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("dev")
