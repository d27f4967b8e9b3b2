"""What a run leaves behind."""

import dataclasses

import pytest

from nbcode.training.history import History, Record


def test_a_column_is_one_attribute_of_every_record_in_order():
    records = [Record(step, 3, 1, loss=1 / step, lr=0.1, grad_norm=2.0) for step in (1, 2, 3)]
    history = History(records)
    assert history.column("step") == [1, 2, 3]
    assert history.column("loss") == [1, 1 / 2, 1 / 3]
    assert history.stopped == "finished"
    assert History().column("lr") == []


@pytest.mark.parametrize("name", ["Loss", "accuracy", "", "records", "__class__"])
def test_an_unknown_column_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match="it has step, steps, epoch, loss, lr, grad_norm") as refusal:
        History().column(name)
    assert repr(name) in str(refusal.value)


def test_a_record_can_not_be_changed_and_histories_share_nothing():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Record(1, 1, 1, 0.0, 0.1, 1.0).loss = 5
    one, other = History(), History()
    one.records.append(Record(1, 1, 1, 0.0, 0.1, 1.0))
    assert other.records == []
