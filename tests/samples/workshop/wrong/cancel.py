"""Wrong answers to exercise 7, as edits of the solution."""

WRONG = {
    "finish cancels": (("        await source.aclose()\n", "        network.cancel()\n"),),
    "finish does not end the source": (("        await source.aclose()\n", ""),),
    "finish ends the source late": (
        ("        await source.aclose()\n", "        await trio.sleep(5)\n        await source.aclose()\n"),
    ),
    "finish counts too early": (
        (
            '        await source.aclose()\n    return network.balance()["save"].consumed',
            '        await source.aclose()\n        saved = network.balance()["save"].consumed\n    return saved',
        ),
    ),
    "finish does not link": (
        ('    source.link_target(Call(save, name="save"))\n', '    source.link_target(Call(abs, name="save"))\n'),
    ),
    "abandon finishes": (("        network.cancel()\n", "        await source.aclose()\n"),),
    "abandon raises": (("        network.cancel()\n", "        raise trio.TooSlowError\n"),),
    "abandon returns one number": (('balance["save"].consumed, balance.discarded', 'balance["save"].consumed'),),
    "abandon turns them round": (
        ('balance["save"].consumed, balance.discarded', 'balance.discarded, balance["save"].consumed'),
    ),
    "abandon says that nothing was lost": (
        ('balance["save"].consumed, balance.discarded', 'balance["save"].consumed, 0'),
    ),
    "abandon counts what was begun": (
        ('balance["save"].consumed, balance.discarded', 'balance["save"].consumed + 1, balance.discarded - 1'),
    ),
}
