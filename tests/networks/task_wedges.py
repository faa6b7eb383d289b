"""Networks that get stuck because an agent, a function or the body waits for its own results."""

from __future__ import annotations

from typing import Any

import trio

from penstock.blocks import (
    BoundedBuffer,
    Call,
    Transformer,
    UnboundedBuffer,
)

from .stuck_agents import Asker, EndWatcher, Holder, Leaver, Waiting
from .wedge import Wedge, never, slowly


class TaskWedges(Wedge):
    """Each `build_` method builds one."""

    # Agents

    def build_agents_that_wait_for_one_another(self) -> None:
        inbox = UnboundedBuffer[Any](name="inbox")
        self.source.link_target(inbox)
        count = self.pick(2, 4)
        ways = [UnboundedBuffer[int](name=f"way {number}") for number in range(count)]
        self.advised = "let one of .* send, complete or end first"
        goes_first = self.followed.says(self.advised)
        for number in range(count):
            is_first = goes_first and number == 0
            Waiting(ways[number - 1], ways[number], name=f"agent {number}", sends_first=is_first)
        Waiting(inbox, ways[0], name="third", reads=False)
        self.culprits = [f"waits to receive at unbounded buffer 'way {number}'" for number in range(count)]
        self.members = [f"agent 'agent {number}' waits to receive" for number in range(count)]

    def build_agents_that_wait_for_the_end_of_one_another(self) -> None:
        self.drain(self.source)
        count = self.pick(2, 4)
        agents = [EndWatcher(name=f"agent {number}") for number in range(count)]
        self.advised = "let one of .* send, complete or end first"
        for number, agent in enumerate(agents):
            agent.other = agents[number - 1]
        if self.followed.says(self.advised):
            agents[0].other = None
        self.apart += agents
        self.culprits = ["waits to see the end of an agent at agent 'agent 0'"]
        self.members = [f"waits to see the end of an agent at agent 'agent {number}'" for number in range(count)]

    def build_reserved_head(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        self.advised = "consume or release the head of unbounded buffer 'culprit', which agent 'holder' has reserved"
        Holder(culprit, name="holder", releases=self.followed.says(self.advised))
        self.culprits = ["'culprit'", "the head is reserved by", "'holder'"]
        self.members = ["agent 'holder' waits to receive", "keeps its head for agent 'holder'"]

    def build_head_reserved_by_the_body(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        culprit.send_nowait(1)
        self.drain(self.source)
        self.apart.append(culprit)
        self.advised = "consume or release the head of unbounded buffer 'culprit', which me has reserved"

        async def reserve() -> None:
            assert culprit.reserve("me")
            if self.followed.says(self.advised):
                culprit.release("me")
            culprit.link_target(Call(slowly, name="late"))

        self.body = reserve
        self.culprits = ["'culprit'", "the head is reserved by 'me'"]

    def build_agent_that_leaves_early(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        self.advised = "let agent 'leaver' read unbounded buffer 'culprit' to the end"
        Leaver(culprit, self.count if self.followed.says(self.advised) else self.pick(1, self.count - 1), name="leaver")
        self.culprits = ["'culprit'", "its reader agent 'leaver' is done"]

    # Functions

    def build_function_that_waits_for_what_comes_of_it(self) -> None:
        reply = UnboundedBuffer[Any](name="reply")
        self.advised = "let the function of transformer 'culprit' not wait for its own network"
        is_cured = self.followed.says(self.advised)

        async def ask(item: Any) -> Any:
            return item if is_cured else await reply.receive()

        culprit = Transformer(ask, concurrency=self.pick(1, 3), name="culprit")
        self.source.link_target(culprit)
        self.stage(culprit, "stage").link_target(reply)
        self.culprits = ["'culprit'", "waits to receive at unbounded buffer 'reply'"]
        self.members = ["transformer 'culprit' waits for its call", "unbounded buffer 'reply'"]

    def build_function_that_sends_to_itself(self) -> None:
        capacity = self.room("culprit", 1, 1)

        async def send(item: Any) -> None:
            if not isinstance(item, list):
                await culprit.send([item])

        culprit: Call[Any] = Call(send, capacity=capacity, name="culprit")
        self.source.link_target(culprit)
        self.culprits = ["'culprit'", "waits to send"]
        self.members = ["call 'culprit' waits for its call", "waits to send"]
        self.advised = "raise the capacity of call 'culprit' to at least"
        self.cure = False  # the call goes on sending after the feed has ended, and then it is complete

    # The body

    def build_body_parked_in_send(self) -> None:
        culprit = self.bounded("culprit", 1, 2)
        culprit.link_target(Call(slowly, name="taker"), filter=never)
        self.drain(self.source)
        self.apart.append(culprit)

        async def send() -> None:
            for number in range(3):
                await culprit.send(number)

        self.body = send
        self.culprits = ["waits to send", "bounded buffer 'culprit'", "full"]
        self.last_link(culprit)

    def build_children_of_the_body_parked_in_send(self) -> None:
        self.build_body_parked_in_send()
        send = self.body

        async def spawn() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                nursery.start_soon(send)

        self.body = spawn

    def build_body_that_receives_in_vain(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.apart.append(culprit)
        self.advised = "close the producer handle 'producer of culprit'"
        is_cured = self.followed.says(self.advised)
        self.hold(is_cured)

        async def receive() -> None:
            with culprit.producer() as producer:
                await producer.send(1)
                await culprit.receive()
                if is_cured:
                    producer.close()
                async for _ in culprit:
                    pass

        self.body = receive
        self.culprits = ["waits to receive", "unbounded buffer 'culprit'"]
        self.members = ["the body of network", "producer handle 'producer of culprit'"]

    def build_body_that_sends_all_before_it_receives(self) -> None:
        entry = self.bounded("entry")
        narrow = BoundedBuffer[Any](self.pick(1, 3), name="narrow")
        entry.link_target(narrow)
        self.drain(self.source)
        self.apart.append(entry)
        self.culprits = ["waits to send", "'narrow'"]
        self.members = ["bounded buffer 'narrow' waits for the body", "the body"]
        self.advised = "receive from bounded buffer 'narrow' in a task of its own"
        self.send_then_receive(entry, narrow)

    def build_question_to_an_agent_that_asks_back(self) -> None:
        questions, answers = UnboundedBuffer[Any](name="questions"), UnboundedBuffer[Any](name="answers")
        self.advised = "close the producer handle 'question', or send through it"
        Asker(questions, answers, name="asker")
        is_cured = self.followed.says(self.advised)
        self.hold(is_cured)

        async def ask() -> None:
            with questions.producer("question") as producer:
                if is_cured:
                    await producer.send(1)
                    producer.close()
                await answers.receive()

        self.apart.append(questions)
        self.body = ask
        self.culprits = ["waits to receive at unbounded buffer 'answers'", "'asker'"]
        self.members = ["the body of network", "agent 'asker' waits to receive"]
