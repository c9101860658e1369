"""Whether a block is open here, wherever it is left."""

import threading
from contextvars import copy_context

from forge_obs.environment.observed import Block, call_at_blocks, is_observed


def test_block_is_open_until_it_is_left() -> None:
    assert not is_observed()
    outer = Block()
    inner = Block()
    assert is_observed()

    inner.leave()
    assert is_observed()
    outer.leave()

    assert not is_observed()


def test_blocks_may_be_left_in_any_order() -> None:
    first, second = Block(), Block()

    first.leave()
    assert is_observed()
    second.leave()

    assert not is_observed()


def test_block_that_another_context_leaves_is_over_here_too() -> None:
    block = Block()

    copy_context().run(block.leave)

    assert not is_observed()


def test_blocks_that_others_left_do_not_pile_up() -> None:
    for _ in range(1000):
        copy_context().run(Block().leave)
    block = Block()

    assert block._around is None
    block.leave()
    block.leave()


def test_block_of_one_thread_is_not_open_in_another() -> None:
    seen: list[bool] = []
    block = Block()
    thread = threading.Thread(target=lambda: seen.append(is_observed()))
    thread.start()
    thread.join()
    block.leave()

    assert seen == [False]


def test_context_that_was_copied_is_inside() -> None:
    block = Block()

    assert copy_context().run(is_observed)
    block.leave()


class _Listener:
    def __init__(self) -> None:
        self.heard = 0

    def hear(self) -> None:
        self.heard += 1


def test_who_listens_is_called_as_long_as_it_lives() -> None:
    listener, other = _Listener(), _Listener()
    call_at_blocks(listener.hear)
    call_at_blocks(other.hear)

    Block().leave()
    del other
    Block().leave()

    assert listener.heard == 2
