"""What the names mean that training logs."""

from collections.abc import Iterable

MEANINGS = {
    'loss': 'the sum of its losses, each with its weight',
    'loss_ce': 'cross-entropy of the teacher’s logits with the label that was asked for',
    'loss_bn': 'distance of the images’ statistics from the teacher’s batch norms',
    'loss_metric': 'how alike the images of one class are, and how near other classes',
    'loss_layout': 'how alike the layouts of the images of one class are',
    'loss_adv': 'agreement of student and teacher, which the generator makes small',
    'loss_act': 'weakness of the teacher’s features',
    'loss_kd': 'distance of the student’s logits from the teacher’s',
    'loss_kd_ema': 'the same on images of the generator’s running average',
    'loss_at': 'distance of the student’s attention maps from the teacher’s',
    'loss_cr': 'likeness of the images to those in the memory',
    'loss_prior_pixel': 'distance of the pixels’ mean and standard deviation from the teacher’s',
    'loss_prior_tv': 'roughness of the images',
    'loss_tv': 'roughness of the images',
    'loss_l2': 'distance of the pixels from the mean',
    'loss_compete': 'agreement of student and teacher, which the images make small',
    'loss_entropy': 'imbalance of the classes in a batch',
    'loss_batch': 'imbalance of the classes in a batch',
    'loss_instance': 'how unsure the teacher is of the class of each image',
    'loss_pseudo_label': 'cross-entropy of the teacher’s logits with its own class',
    'label_agreement': 'share of images in which the teacher sees the label that was asked for',
}


def explain(names: Iterable[str]) -> dict[str, str]:
    """Return the meanings of logged names, ``generator/loss_ce``, by their last part."""
    parts = {name.rpartition('/')[2] for name in names}
    return {part: meaning for part, meaning in MEANINGS.items() if part in parts}
