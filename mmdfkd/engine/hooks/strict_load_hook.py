"""No run goes on from, and no figure is of, the weights of another network."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor

from mmdfkd.models.classifiers.brought import WRAPPERS
from mmdfkd.models.classifiers.checkpoint import DIGEST_KEY
from mmdfkd.models.distillers import DataFreeDistiller
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS
from mmdfkd.weights import check_finite, find_weights


@HOOKS.register_module()
class StrictLoadHook(Hook):
    """Stop where MMEngine only warns: a checkpoint that does not fit the model.

    ``tools/test.py`` and ``tools/train.py`` register it.

    Args:
        initial: of a distiller that begins with ``load_from``, not one that goes on: the file
            may be a published student's as well, and of a memory of another kind or size
            the images stay away. So they do of a ``LabelledMemory``: its labels are of the other
            run's views and teacher. Other models may begin with a part of their weights.

    Raises:
        ValueError: if weights are missing, unexpected, of another shape or no numbers, or if
            a run should go on from a file without a state to go on from.
    """

    priority = 'VERY_HIGH'  # before other hooks look into the checkpoint

    def __init__(self, initial: bool = False) -> None:
        self.initial = initial

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Load the weights strictly, and leave them in the checkpoint as they fit the model."""
        model = unwrap(runner.model)
        if self.initial and not isinstance(model, DataFreeDistiller):
            return
        if runner._resume:
            missing = {'meta', 'message_hub', 'optimizer'} - set(checkpoint)
            if missing:
                raise ValueError(
                    f'a run should go on from a checkpoint that tools/train.py wrote, but got one '
                    f'without {sorted(missing)}; take iter_N.pth or epoch_N.pth (best_*.pth are '
                    'weights alone), or to begin a new run with its weights, set load_from'
                )
        weights = find_weights(checkpoint, 'the checkpoint')
        check_finite(weights, 'the checkpoint', 'the run had diverged; give an earlier one')
        if self.initial:
            weights = initial_weights(model, weights)
        try:
            load_state_dict(model, weights, strict=True)
        except RuntimeError as error:
            others = ', or a published student of its network,' if self.initial else ','
            raise ValueError(
                f'the checkpoint should be of the config’s {type(model).__name__}{others} but got '
                f'{error}; give the config that the run has in its work dir'
            ) from error
        if self.initial:
            checkpoint['state_dict'] = weights


def initial_weights(distiller: Any, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Make what ``load_from`` names the weights of a whole distiller, at its own round.

    Args:
        distiller: it gives what the file has not: all but the student where that is a
            published one, and a memory with labels, or of another kind or size. It gives the
            count of its rounds as well, which warm-ups and schedules go by: a new run begins at
            0. The teacher is its own in any case: the file's run may have had another.
        weights: of a distiller's checkpoint, or of a published student.
    """
    own = dict(distiller.state_dict())
    prefix = 'student.network.'
    network = unwrap(distiller.student).network
    if isinstance(network, WRAPPERS):
        prefix += 'model.'
    student = {f'{prefix}{name}': value for name, value in weights.items()}
    if set(student) == {name for name in own if name.startswith('student.')}:
        return own | student
    kept = {name for name in own if name.startswith('memory.')}
    given = {name for name in weights if name.startswith('memory.')}
    labelled = 'memory.logits' in given
    if labelled or kept != given or any(own[name].shape != weights[name].shape for name in kept):
        weights = {name: value for name, value in weights.items() if name not in given}
        weights |= {name: own[name] for name in kept}
    counts = {name: own[name] for name in own if name.startswith('rounds.') and name in weights}
    students = {name: value for name, value in weights.items() if not _of_teacher(name)}
    return students | {name: own[name] for name in own if _of_teacher(name)} | counts


def _of_teacher(name: str) -> bool:
    return name.startswith('teacher.') or name == DIGEST_KEY
