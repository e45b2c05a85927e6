import pytest
import torch

from mmdfkd.models.memories import ImageMemory, LabelledMemory
from mmdfkd.models.utils import Compose, ShiftFlip


def labelled(capacity=5, num_views=4):
    memory = LabelledMemory(capacity, num_views)
    return memory.allocate((1, 4, 4), num_draws=3, num_classes=2)


def test_a_view_and_its_logits_stay_together():
    memory, augment = labelled(), Compose([ShiftFlip(pad=2)])
    memory.add(torch.rand(5, 1, 4, 4) * 255)
    seen = {}

    def new_view(images):
        draws, logits = torch.rand(len(images), 3), torch.rand(len(images), 2).half().float()
        for image, view, row in zip(images, augment(images, draws), logits, strict=True):
            seen.setdefault(image.sum().item(), []).append((view, row))
        return draws, logits

    memory.label(torch.tensor([4, 0, 2]), new_view)
    counts = torch.zeros(4)
    for _ in range(200):
        slots = torch.tensor([2, 0])
        batch = memory.recall(slots, augment)
        for image, view, logits in zip(memory[slots], *batch, strict=True):
            views = seen[image.sum().item()]
            (number,) = [n for n, (_, row) in enumerate(views) if torch.equal(row, logits)]
            assert torch.equal(views[number][0], view)
            counts[number] += 1
    assert counts.min() > 60


@pytest.mark.parametrize('dtype', [torch.float, torch.bfloat16])
def test_logits_are_kept_in_half_precision(dtype):
    memory = labelled(num_views=1)
    slots = memory.add(torch.rand(2, 1, 4, 4) * 255)
    logits = (torch.randn(2, 2) * 10).to(dtype)
    memory.label(slots, lambda images: (torch.rand(2, 3), logits))
    known = memory.recall(slots, Compose([ShiftFlip(pad=2)])).teacher_logits
    assert memory.logits.dtype == torch.half
    assert known.dtype == torch.float
    torch.testing.assert_close(known, logits.float(), rtol=2**-11, atol=1e-7)
    assert set(memory.state_dict()) == {'images', 'draws', 'logits', 'num_added.count'}


@pytest.mark.parametrize('num_views', [-1, 0])
def test_there_is_a_view_at_least(num_views):
    with pytest.raises(ValueError, match=f'a whole number over 0, but got {num_views}'):
        labelled(num_views=num_views)


def test_a_checkpoint_without_views_is_an_error():
    model = torch.nn.ModuleDict({'memory': labelled()})
    plain = torch.nn.ModuleDict({'memory': ImageMemory(5).allocate((1, 4, 4))})
    with pytest.raises(ValueError, match=r'should have the labelled views.*ImageMemory'):
        model.load_state_dict(plain.state_dict(), strict=False)


def test_a_checkpoint_with_another_number_of_views_is_an_error():
    model = torch.nn.ModuleDict({'memory': labelled(num_views=16)})
    older = torch.nn.ModuleDict({'memory': labelled(num_views=4)})
    with pytest.raises(ValueError, match=r'16 views.*got 4; add .*model.memory.num_views=4$'):
        model.load_state_dict(older.state_dict())


def test_logits_beyond_half_precision_are_its_largest_and_nan_stays():
    memory = labelled(num_views=1)
    slots = memory.add(torch.rand(2, 1, 4, 4) * 255)
    logits = torch.tensor([[1e6, -1e6], [torch.nan, 1.0]])
    memory.label(slots, lambda images: (torch.rand(2, 3), logits))
    kept = memory.logits[slots, 0]
    assert kept[0].tolist() == [65504.0, -65504.0]
    assert kept[1].isnan().tolist() == [True, False]
