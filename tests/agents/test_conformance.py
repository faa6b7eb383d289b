"""The blocks of the agents layer keep the contract, and a governor changes nothing about it."""

from typing import Any

import pytest

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import IterableSource, Target, Transformer, UnboundedBuffer
from penstock.blocks.testing import check_propagator, check_source


async def test_a_multiplexer_keeps_the_contract_of_a_source() -> None:
    await check_source(
        lambda: SequenceMultiplexer(IterableSource([1, 4]), IterableSource([2, 3]), key=lambda n: n), [1, 2, 3, 4]
    )


def governed_buffer() -> Target[Any]:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()
    PipelineGovernor(2).govern(buffer, buffer)
    return buffer


def governed_by_weight() -> Target[Any]:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()
    PipelineGovernor(4.0, weight=lambda item: 2.0).govern(buffer, buffer)
    return buffer


@pytest.mark.parametrize("make", [governed_buffer, governed_by_weight])
async def test_a_governed_buffer_keeps_the_contract_of_a_bounded_one(make: Any) -> None:
    await check_propagator(make, capacity=2)


def governed_transformer() -> Target[Any]:
    block = Transformer[Any, str](repr)
    PipelineGovernor(2).govern(block, block)
    return block


async def test_a_governed_function_block_keeps_the_contract_of_a_bounded_one() -> None:
    await check_propagator(
        governed_transformer, expected=["1", "None", "'three'", "None"], capacity=2, needs_network=True
    )
