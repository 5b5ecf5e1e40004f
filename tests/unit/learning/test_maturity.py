import numpy as np

from sekisho.learning.intervals import wilson
from sekisho.learning.maturity import DAY_US, learn_delays


def test_recent_events_do_not_make_delays_look_short() -> None:
    rng = np.random.default_rng(1)
    at = rng.integers(0, 60, 40_000)
    delay = rng.integers(0, 30, 40_000)
    age = 60 - at
    seen = delay <= age
    found = learn_delays(delay[seen] * DAY_US, age[seen] * DAY_US)
    true = (np.arange(30) + 1) / 30
    assert np.abs(found.known[:30] - true).max() < 0.02
    naive = np.cumsum(np.bincount(delay[seen], minlength=30)) / seen.sum()
    assert np.abs(naive[:30] - true).max() > 0.05
    assert found.window_days in {27, 28, 29}
    assert found.completeness(np.array([100, 200])) == 1.0


def test_of_few_reports_nothing_is_said() -> None:
    few = np.array([1, 2, 3]) * DAY_US
    assert learn_delays(few, few * 10).window_days is None
    none = np.array([], np.int64)
    assert learn_delays(none, none).completeness(np.array([5])) is None


def test_the_interval_holds_the_true_share_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    for of, share in ((12, 0.3), (40, 0.05), (200, 0.9)):
        counts = rng.binomial(of, share, 4_000)
        ends = [wilson(int(count), of) for count in counts]
        held = sum(low <= share <= high for low, high in ends) / len(ends)
        assert 0.92 < held < 0.985
