from hypothesis import given
from hypothesis import strategies as st

from training import curves


def point(step, value):
    return {"step": step, "hit_at_5": value}


def test_a_curve_runs_from_corner_to_corner():
    line = curves.line("Hit@5", [point(0, 0.5), point(100, 0.9)], "hit_at_5")
    assert line.points == "8.0,172.0 632.0,8.0"
    assert (line.low, line.high) == (0.5, 0.9)


def test_unmeasured_points_are_left_out():
    assert curves.line("Loss", [point(0, None), point(5, 0.5)], "hit_at_5") is None
    assert curves.line("Loss", [], "hit_at_5") is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_every_dot_lies_within_the_chart(values):
    line = curves.line("Hit@5", [point(n, value) for n, value in enumerate(values)], "hit_at_5")
    assert all(0 <= x <= curves.WIDTH and 0 <= y <= curves.HEIGHT for x, y in line.dots)


def test_what_stays_the_same_is_drawn_in_the_middle():
    line = curves.line("Hit@5", [point(0, 0.9), point(100, 0.9)], "hit_at_5")
    assert {y for _, y in line.dots} == {curves.HEIGHT / 2}
