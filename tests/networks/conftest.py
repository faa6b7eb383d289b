"""The helpers of this folder are modules beside the tests; their assertions explain themselves like those of tests."""

import pytest

pytest.register_assert_rewrite("tests.networks.harness", "tests.networks.generated", "tests.networks.plans")
