import pytest
import torch

from mmdfkd.models.utils import FixedViews


def test_draws_and_logits_of_a_view_stay_together():
    views = FixedViews(num_views=4, capacity=5, num_draws=2, num_classes=3)
    draws, logits = torch.rand(4, 3, 2), torch.rand(4, 3, 3)
    slots = torch.tensor([4, 0, 2])
    for view in range(4):
        views.put(slots, view, draws[view], logits[view])
    counts = torch.zeros(4)
    for _ in range(200):
        got_draws, got_logits = views.sample(slots[[2, 1]])
        for row, image in enumerate((2, 1)):
            (view,) = [v for v in range(4) if torch.equal(got_draws[row], draws[v, image])]
            assert torch.equal(got_logits[row], logits[view, image])
            counts[view] += 1
    assert counts.min() > 60


def test_half_precision_logits_are_kept_in_full():
    views = FixedViews(num_views=1, capacity=2, num_draws=1, num_classes=2)
    views.put(torch.tensor([1]), 0, torch.rand(1, 1), torch.rand(1, 2).bfloat16())
    assert views.logits.dtype == torch.float
    assert set(views.state_dict()) == {'draws', 'logits'}


@pytest.mark.parametrize('num_views', [-1, 0])
def test_there_is_a_view_at_least(num_views):
    with pytest.raises(ValueError, match=f'at least 1, or 0 for none, but got {num_views}'):
        FixedViews(num_views, capacity=2, num_draws=1, num_classes=2)


def test_a_checkpoint_without_views_is_an_error():
    model = torch.nn.ModuleDict({'views': FixedViews(2, 3, 4, 5)})
    with pytest.raises(ValueError, match=r'should have the fixed views.*fixed_views=0'):
        model.load_state_dict({}, strict=False)
