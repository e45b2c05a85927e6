import io
from collections import deque

import pytest
import torch

from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import Compose, RandomErase


def numbered(numbers):
    """Images (N, 1, 2, 2) whose every pixel is the image's number."""
    return torch.tensor(numbers, dtype=torch.float)[:, None, None, None].expand(-1, 1, 2, 2)


def drawn(memory, num):
    """``num`` of its images, drawn at random."""
    return memory[memory.draw(num)]


def contents(memory):
    """Numbers of the images that ``draw`` can return."""
    return set(drawn(memory, 60 * memory.capacity)[:, 0, 0, 0].tolist())


def filled(num, capacity=5):
    memory = ImageMemory(capacity).allocate((1, 2, 2))
    memory.add(numbered(range(num)))
    return memory


@pytest.mark.parametrize('capacity', [1, 2, 7])
def test_it_keeps_what_a_deque_would(capacity):
    memory, expected = ImageMemory(capacity).allocate((1, 2, 2)), deque(maxlen=capacity)
    number = 0
    for size in torch.randint(0, 2 * capacity + 2, (60,)).tolist():
        numbers = [(number + i) % 256 for i in range(size)]
        number += size
        memory.add(numbered(numbers))
        expected.extend(numbers)
        assert len(memory) == len(expected)
        if expected:
            assert contents(memory) == set(expected)


@pytest.mark.parametrize('sizes', [[3], [3, 4], [5], [7], [4, 9, 2]])
def test_add_tells_the_slots_of_the_newest(sizes):
    memory, first = ImageMemory(5).allocate((1, 2, 2)), 0
    for size in sizes:
        slots = memory.add(numbered(range(first, first + size)))
        first += size
        assert memory[slots][:, 0, 0, 0].tolist() == list(range(first - min(size, 5), first))


def test_images_are_not_mixed():
    memory = ImageMemory(4).allocate((3, 2, 5))
    images = torch.randint(256, (4, 3, 2, 5)).float()
    memory.add(images[:3])
    memory.add(images[3:])
    sample = drawn(memory, 40)
    assert sample.shape == (40, 3, 2, 5)
    for image in sample:
        assert any(torch.equal(image, other) for other in images)


@pytest.mark.parametrize('num', [1, 2, 4])
def test_only_the_filled_part_is_sampled(num):
    assert contents(filled(num, capacity=50)) == set(range(num))


def test_every_image_is_as_likely():
    counts = torch.bincount(drawn(filled(4), 4000)[:, 0, 0, 0].long())
    assert counts.min() > 850
    assert counts.max() < 1150


def test_an_empty_memory_cannot_be_sampled():
    memory = ImageMemory(3).allocate((1, 2, 2))
    assert len(memory) == 0
    with pytest.raises(RuntimeError, match='should hold images'):
        memory.draw(1)


def test_pixels_are_rounded_and_clamped():
    memory = ImageMemory(6).allocate((1, 2, 2))
    memory.add(numbered([-3.0, 0.4, 0.6, 99.5001, 254.7, 300.0]))
    assert contents(memory) == {0, 1, 100, 255}
    assert drawn(memory, 1).dtype == torch.float
    assert memory.images.dtype == torch.uint8


def test_what_is_stored_does_not_follow_the_source():
    images = numbered([1.0, 2.0]).clone().requires_grad_()
    memory = ImageMemory(2).allocate((1, 2, 2))
    memory.add(images)
    images.data.fill_(9)
    sample = drawn(memory, 20)
    assert not sample.requires_grad
    assert set(sample.unique().tolist()) == {1, 2}
    sample.fill_(7)
    assert contents(memory) == {1, 2}


@pytest.mark.parametrize('num', [0, 3, 5, 13])
def test_a_saved_memory_goes_on_as_the_original(num):
    original, restored = filled(num), ImageMemory(5).allocate((1, 2, 2))
    file = io.BytesIO()
    torch.save(original.state_dict(), file)
    file.seek(0)
    restored.load_state_dict(torch.load(file, weights_only=True))
    assert int(restored.num_added) == int(original.num_added) == num
    for memory in (original, restored):
        memory.add(numbered([100, 101]))
    assert torch.equal(original.images, restored.images)
    assert len(restored) == len(original)
    assert contents(restored) == contents(original)


def test_a_restored_memory_draws_the_very_images():
    original, restored = filled(4), ImageMemory(5).allocate((1, 2, 2))
    restored.load_state_dict(original.state_dict())
    samples = []
    for memory in (original, restored):
        torch.manual_seed(3)
        samples.append(drawn(memory, 10))
    assert torch.equal(*samples)


def test_it_is_restored_as_part_of_a_model_by_mmengine():
    from mmengine.runner.checkpoint import get_state_dict, load_state_dict

    original = torch.nn.ModuleDict({'memory': filled(7)})
    restored = torch.nn.ModuleDict({'memory': ImageMemory(5).allocate((1, 2, 2))})
    load_state_dict(restored, get_state_dict(original), strict=True)
    assert int(restored['memory'].num_added) == 7
    assert contents(restored['memory']) == {2, 3, 4, 5, 6}


def test_another_capacity_cannot_be_loaded():
    with pytest.raises(RuntimeError, match='size mismatch'):
        ImageMemory(4).allocate((1, 2, 2)).load_state_dict(filled(3).state_dict())


@pytest.mark.parametrize('capacity', [0, -1])
def test_a_capacity_below_one_raises(capacity):
    with pytest.raises(ValueError, match=f'a whole number over 0, but got {capacity}'):
        ImageMemory(capacity)


@pytest.mark.parametrize(('num', 'expected'), [(2, [5, 6]), (9, [2, 3, 4, 5, 6])])
def test_newest_are_the_last_that_are_still_there(num, expected):
    memory = filled(7)
    assert memory[memory.newest(num)][:, 0, 0, 0].tolist() == expected


def test_every_recall_is_a_new_view():
    memory, augment = filled(5), Compose([RandomErase(1.0, fill=200.0)])
    slots = torch.arange(5)
    first, second = memory.recall(slots, augment), memory.recall(slots, augment)
    assert first.teacher_logits is None
    assert not torch.equal(first.images, second.images)
