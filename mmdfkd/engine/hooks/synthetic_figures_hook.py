"""Figures of the synthetic images beside the student's accuracy."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.checks import check_not_negative, check_positive
from mmdfkd.evaluation.run import bind, evaluate_synthetic
from mmdfkd.models.distillers import samples_of
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS, METRICS


@HOOKS.register_module()
class SyntheticFiguresHook(Hook):
    """Compute metrics of synthetic images after each validation.

    They are live samples of held-out latents, or random ones of the memory's images where a
    method has no generator, or fits it anew to each round's latents (``fixed_latents``).

    The figures are logged with the student's, and CheckpointHook can ``save_best`` on
    them. The run's random state stays as it is. Without any real image to validate on,
    have the validation itself be of latents: ``configs/_base_/datasets/data_free_validation.py``.

    Args:
        metrics: configs of metrics of synthetic images.
        num_samples: images, of all processes together.
        batch_size: images in a pass, in each process.
        seed: of the latents, or of the choice.

    Raises:
        ValueError: if a number is out of range.
    """

    priority = 'HIGH'  # after RuntimeInfoHook, before LoggerHook and CheckpointHook

    def __init__(
        self, metrics: list[dict], num_samples: int = 2000, batch_size: int = 250, seed: int = 1000
    ) -> None:
        check_positive(num_samples=num_samples, batch_size=batch_size)
        check_not_negative(seed=seed)
        self.metrics = [METRICS.build(metric) for metric in metrics]
        self.num_samples = num_samples
        self.batch_size = batch_size
        self.seed = seed

    def before_train(self, runner: Runner) -> None:
        """Show the distiller to the metrics: real images that do not fit it are told now."""
        bind(self.metrics, runner.model)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Add the figures to ``metrics`` and to the log."""
        model = unwrap(runner.model)
        dataset = samples_of(model, model.sources[0], self.num_samples, self.seed)
        figures = evaluate_synthetic(model, dataset, self.metrics, self.batch_size)
        if metrics is not None:
            metrics.update(figures)
        for name, value in figures.items():
            runner.message_hub.update_scalar(f'val/{name}', value)
