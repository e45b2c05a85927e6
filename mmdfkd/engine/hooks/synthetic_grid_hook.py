"""Pictures of what the generator makes, over time."""

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import MLflowVisBackend
from torchvision.utils import make_grid

from mmdfkd.checks import check_not_negative, check_positive
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class SyntheticGridHook(Hook):
    """Show a grid of synthetic images through the Runner's visualizer.

    Rows are classes and columns latents; the latents stay the same all run long.
    An unconditional generator's images all have latents of their own; a method without a
    generator shows its newest images.

    Args:
        interval: iterations between two grids.
        num_classes: rows, at most the generator's classes.
        num_latents: columns.
        seed: of the latents.

    Raises:
        ValueError: if a number is out of range.
    """

    priority = 'NORMAL'

    def __init__(
        self, interval: int = 500, num_classes: int = 10, num_latents: int = 10, seed: int = 0
    ) -> None:
        check_positive(interval=interval, num_classes=num_classes, num_latents=num_latents)
        check_not_negative(seed=seed)
        self.interval = interval
        self.num_classes = num_classes
        self.num_latents = num_latents
        self.seed = seed

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Add a grid at every ``interval`` and after the last iteration."""
        if self.every_n_train_iters(runner, self.interval) or self.is_last_train_iter(runner):
            self._add_grid(runner)

    @master_only
    def _add_grid(self, runner: Runner) -> None:
        model = unwrap(runner.model)
        rows = min(self.num_classes, model.num_classes)
        images = model.preview(rows * self.num_latents, rows, self.seed)
        grid = make_grid(images, nrow=self.num_latents, pad_value=255)
        picture = grid.permute(1, 2, 0).round().byte().cpu().numpy()
        step = runner.iter + 1
        for backend in runner.visualizer._vis_backends.values():
            # MMEngine hands MLflow the name as that of a file, which wants an ending.
            of_file = isinstance(backend, MLflowVisBackend)
            name = f'synthetic_{step}.png' if of_file else 'synthetic'
            backend.add_image(name, picture, step=step)
