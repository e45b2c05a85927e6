import math

import pytest
import torch

from mmdfkd.models.losses import CompetitionLoss
from mmdfkd.models.losses.competition import competition_loss


def softened(row, temperature):
    powers = [math.exp(value / temperature) for value in row]
    return [power / sum(powers) for power in powers]


def bounded(value):
    return min(max(value, 0.01), 0.99)


def by_loops(student_logits, teacher_logits, temperature):
    total = 0.0
    for rows in zip(student_logits.tolist(), teacher_logits.tolist(), strict=True):
        student, teacher = (softened(row, temperature) for row in rows)
        for s, t in zip(student, teacher, strict=True):
            middle = bounded((s + t) / 2)
            for other in (s, t):
                total += middle * math.log(middle / bounded(other)) / 2
    return 1 - min(max(total / len(student_logits), 0), 1)


@pytest.mark.parametrize('scale', [1.0, 20.0])  # of the second, most are out of the bounds
def test_the_value_is_that_of_loops(scale):
    student, teacher = torch.randn(2, 6, 5, dtype=torch.double) * scale
    expected = by_loops(student, teacher, temperature=3.0)
    assert float(competition_loss(student, teacher)) == pytest.approx(expected)


def test_equal_outputs_cost_the_most_and_the_gradient_parts_them():
    teacher = torch.randn(8, 4)
    assert competition_loss(teacher, teacher) == pytest.approx(1, abs=1e-6)
    student = (teacher + 0.3 * torch.randn(8, 4)).requires_grad_()
    before = competition_loss(student, teacher)
    before.backward()
    assert competition_loss(student - 5 * student.grad, teacher) < before


def test_weight_and_temperature_are_its_own():
    student, teacher = torch.randn(2, 6, 5)
    expected = 2.5 * competition_loss(student, teacher, temperature=1.0)
    torch.testing.assert_close(CompetitionLoss(2.5, temperature=1.0)(student, teacher), expected)
    with pytest.raises(ValueError, match=r'temperature should be in \[0.001, 1000\], but got 0'):
        CompetitionLoss(temperature=0)
