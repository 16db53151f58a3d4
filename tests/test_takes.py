"""Takes: each has a name of its own and says when it was made, so that a library can sort them."""

from datetime import datetime, timedelta

from songsmith.takes import FinishReason, Take, new_id, now


def take(**changes: object) -> Take:
    values = {
        "text": "b\n", "prompt_text": "a\n", "title": "", "model": "starter", "model_sha256": "00", "device": "cpu",
        "options": {}, "seed": 1, "finish": FinishReason.END_OF_SONG, "tokens": 3, "elapsed_s": 0.1, "version": "0",
    }  # fmt: skip
    return Take(**values | changes)


def test_no_two_takes_have_one_id() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000
    assert take().id != take().id


def test_times_sort_as_text() -> None:
    times = [now() for _ in range(200)]
    assert times == sorted(times)
    assert len({len(time) for time in times}) == 1
    moment = datetime.fromisoformat(times[0])
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(moment.tzinfo) - moment) < timedelta(minutes=1)


def test_a_reason_is_its_own_word_in_json() -> None:
    assert {reason.value for reason in FinishReason} == {
        "end_of_song",
        "end_of_section",
        "max_lines",
        "max_tokens",
        "stopped",
    }
