"""No run goes on from, and no figure is of, the weights of another network."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict

from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class StrictLoadHook(Hook):
    """Stop where MMEngine only warns: a checkpoint that does not fit the model.

    ``tools/test.py``, and ``tools/train.py --resume``, register it.

    Raises:
        ValueError: if weights are missing, unexpected or of another shape.
    """

    priority = 'VERY_HIGH'  # before other hooks look into the checkpoint

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Load the weights strictly."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        try:
            load_state_dict(model, checkpoint.get('state_dict', checkpoint), strict=True)
        except RuntimeError as error:
            raise ValueError(
                f'the checkpoint should be of the config’s {type(model).__name__}, but got '
                f'{error}; give the config that the run has in its work dir'
            ) from error
