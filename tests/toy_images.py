"""Small sets of real images, and batches of synthetic ones."""

import atexit
import functools
import shutil
import tempfile

import torch
from mmpretrain.structures import DataSample
from PIL import Image
from torch.utils.data import Dataset


class Pixels(Dataset):
    """Random images, or given ones, with labels 0, 1, 2, 0, ..."""

    def __init__(self, number=40, shape=(3, 8, 8), seed=0, labelled=True, images=None):
        draws = torch.Generator().manual_seed(seed)
        drawn = torch.randint(256, (number, *shape), generator=draws, dtype=torch.uint8)
        self.images = drawn if images is None else images
        self.labelled = labelled

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        sample = DataSample().set_gt_label(index % 3) if self.labelled else DataSample()
        return {'inputs': self.images[index], 'data_samples': sample}


def synthetic_batch(distiller, images, labels=None):
    """What ``val_step`` gives of a batch of synthetic images."""
    inputs = distiller.normalize(images)
    logits, features = distiller.teacher(inputs)
    student_logits = distiller.student(inputs).logits
    return [
        dict(
            images=images,
            labels=labels,
            logits=logits,
            features=features,
            student_logits=student_logits,
        )
    ]


@functools.cache
def image_folder(number=40, size=8):
    """A folder of random pictures, the same in every process, until this one ends."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    draws = torch.Generator().manual_seed(0)
    for index in range(number):
        pixels = torch.randint(256, (size, size, 3), generator=draws, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(f'{folder}/{index:03}.png')
    return folder
