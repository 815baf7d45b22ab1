"""Progress lines: share, speed and time left, worked by hand."""

import re

from dagster_defs.progress import Progress


def test_line_gives_share_speed_and_time_left():
    seconds = iter([0.0, 10.0, 40.0])
    lines: list[str] = []
    progress = Progress(what="texts embedded", write=lines.append, clock=lambda: next(seconds))
    progress(0, 2000)
    progress(500, 2000)  # 500 in 10 s: 50/s, 1500 left: 30 s
    progress(2000, 2000)  # 2000 in 40 s
    assert lines[1] == "█████░░░░░░░░░░░░░░░  25%  500 of 2,000 texts embedded, 50.0/s, 30 s left"
    assert lines[2] == "████████████████████ 100%  2,000 of 2,000 texts embedded, 50.0/s"


def test_lines_keep_their_distance_but_the_last_always_comes():
    seconds = iter([0.0, 1.0, 2.0, 6.0, 6.5])
    lines: list[str] = []
    progress = Progress(what="steps", write=lines.append, every_seconds=5, clock=lambda: next(seconds))
    for done in (1, 2, 3, 4, 5):
        progress(done, 5)
    assert [re.search(r"(\d) of 5", line)[1] for line in lines] == ["1", "4", "5"]


def test_nothing_to_do_is_all_done():
    lines: list[str] = []
    Progress(what="texts", write=lines.append, clock=lambda: 0.0)(0, 0)
    assert lines == ["████████████████████ 100%  0 of 0 texts"]


def test_work_that_goes_on_counts_its_own_speed():
    seconds = iter([0.0, 10.0])
    lines: list[str] = []
    progress = Progress(what="steps", write=lines.append, clock=lambda: next(seconds))
    progress(600, 1000)  # done before
    progress(700, 1000)  # 100 in 10 s: 10/s, 300 left
    assert lines[0].endswith("600 of 1,000 steps")
    assert lines[1].endswith("700 of 1,000 steps, 10.0/s, 30 s left")
