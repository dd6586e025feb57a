import io

from suasion.study.progress import Plain, show


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_say_what_begins_and_how_fast_it_goes() -> None:
    out, clock = io.StringIO(), Clock()
    plain = Plain(out, clock)
    plain.phase("episodes", 1200, 200)
    for second in range(1, 21):
        clock.now = float(second)
        plain.advance(25)
    clock.now = 40.0
    plain.advance(500)
    assert out.getvalue().splitlines() == [
        "episodes: 1,200, 200 stored already",
        "episodes: 450/1,200, 25.0/s, 30 s left",
        "episodes: 700/1,200, 25.0/s, 20 s left",
        "episodes: 1,200/1,200, 25.0/s",
    ]


def test_nothing_to_do_is_one_line() -> None:
    out = io.StringIO()
    Plain(out).phase("episodes", 7, 7)
    assert out.getvalue() == "episodes: all 7 stored already\n"


def test_no_terminal_no_escape_codes() -> None:
    out = io.StringIO()
    with show(out) as progress:
        progress.phase("episodes", 2, 0)
        progress.advance(2)
        progress.say("done")
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().endswith("done\n")


def test_a_terminal_gets_a_live_display() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with show(out) as progress:
        progress.phase("episodes", 4, 1)
        progress.advance(3)
        progress.say("a [note]")
    assert "episodes" in out.getvalue()
    assert "4/4" in out.getvalue()
    assert "a [note]" in out.getvalue()
