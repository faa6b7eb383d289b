"""The anti-pattern of large copies, with its processes."""

from penstock.samples.workshop.antipatterns.large_copies import LARGE_COPIES


def test_a_table_that_is_handed_on_travels_twice_and_a_number_hardly() -> None:
    harm, cure = LARGE_COPIES.harm(), LARGE_COPIES.cure()
    assert harm["bytes that travel per item"] > 2_000_000
    assert cure["bytes that travel per item"] < 100
    assert harm["ms per item"] > 0 < cure["ms per item"]
