"""The configs of a toy run by every method: 8-pixel images, 3 classes, real networks."""

import copy

CLASSES = 3
SIZE = 8


def network(depth=8, classes=CLASSES):
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='mmdfkd.ThinResNet', depth=depth),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=classes, in_channels=64),
    )


def adam(lr=1e-3):
    return dict(type='Adam', lr=lr)


def loss(name, **numbers):
    return dict(type=f'mmdfkd.{name}', **numbers)


def generator(name='ConditionalGenerator', **numbers):
    sizes = dict(latent_dim=5, image_size=SIZE, base_channels=2)
    classes = {} if name == 'UnconditionalGenerator' else dict(num_classes=CLASSES)
    return dict(type=f'mmdfkd.{name}', **(sizes | classes | numbers))


NOISY = dict(
    type='mmdfkd.NoisyLabelGenerator',
    num_classes=CLASSES,
    code_dim=7,
    noise_dim=5,
    image_size=SIZE,
    base_channels=2,
)
MEMORY = dict(type='mmdfkd.ImageMemory', capacity=24)
AUGMENT = dict(type='mmdfkd.ShiftFlip', pad=1)
ADVERSARY = loss('AdversarialLoss', agreement_mask=False)
RUNNING = loss('RunningBNStatisticsLoss', loss_weight=1.0)
NO_GENERATOR = dict(image_shape=(3, SIZE, SIZE), memory=MEMORY, augment=AUGMENT)
INVERSION = dict(inversion_steps=2, optimizer=adam(), memory=MEMORY, augment=AUGMENT)
LIVE = dict(generator=generator('UnconditionalGenerator'), g_steps=1)

#: What each method has besides teacher, student, data preprocessor and ``loss_kd``.
METHODS = dict(
    dedfkd=dict(
        type='mmdfkd.DEDFKD',
        generator=generator(),
        g_steps=1,
        memory=MEMORY,
        augment=AUGMENT,
        loss_ce=loss('ClassConditionLoss'),
        loss_adv=ADVERSARY,
        loss_metric=loss('MetricLearningLoss', objective='M4', gate=0.0),
        loss_bn=loss('BNStatisticsLoss'),
        loss_act=loss('ActivationLoss'),
        image_priors=dict(tv=loss('TotalVariationLoss')),
    ),
    dafl=dict(
        type='mmdfkd.DAFL',
        **LIVE,
        loss_pseudo_label=loss('PseudoLabelLoss'),
        loss_entropy=loss('InformationEntropyLoss'),
        loss_act=loss('ActivationLoss'),
    ),
    dfad=dict(type='mmdfkd.DFAD', **LIVE, loss_adv=ADVERSARY),
    zskt=dict(
        type='mmdfkd.ZSKT',
        **LIVE,
        loss_adv=ADVERSARY,
        loss_at=loss('AttentionTransferLoss'),
        teacher_layers=['backbone.layer1', 'backbone.layer2'],
        student_layers=['backbone.layer1', 'backbone.layer2'],
    ),
    dfq=dict(
        type='mmdfkd.DFQ',
        **LIVE,
        loss_adv=ADVERSARY,
        loss_bn=loss('BNDivergenceLoss'),
        loss_instance=loss('InstanceEntropyLoss'),
        loss_batch=loss('InformationEntropyLoss'),
    ),
    mad=dict(
        type='mmdfkd.MAD',
        generator=generator(label_injection='sum'),
        g_steps=1,
        loss_adv=ADVERSARY,
        loss_kd_ema=loss('KDLoss', temperature=4.0),
        loss_ce=loss('ClassConditionLoss'),
    ),
    deepinversion=dict(
        type='mmdfkd.DeepInversion',
        **NO_GENERATOR,
        inversion_steps=2,
        optimizer=adam(),
        loss_ce=loss('ClassConditionLoss'),
        loss_bn=loss('BNStatisticsLoss'),
        loss_tv=loss('NeighbourVariationLoss'),
        jitter=1,
    ),
    cmi=dict(
        type='mmdfkd.CMI',
        **INVERSION,
        generator=generator('UnconditionalGenerator'),
        loss_ce=loss('ClassConditionLoss'),
        loss_bn=loss('BNStatisticsLoss'),
        loss_cr=loss('ContrastiveInversionLoss'),
        global_view=[AUGMENT],
        local_view=[dict(type='mmdfkd.RandomResizedCrop')],
        head_dim=5,
        bank_size=16,
        num_negatives=8,
    ),
    fast_datafree=dict(
        type='mmdfkd.FastDatafree',
        **INVERSION,
        generator=generator('UnconditionalGenerator'),
        loss_ce=loss('ClassConditionLoss'),
        loss_bn=RUNNING,
        loss_adv=ADVERSARY,
        latent_lr=0.01,
    ),
    nayer=dict(
        type='mmdfkd.NAYER',
        **INVERSION,
        generator=NOISY,
        loss_ce=loss('ClassConditionLoss'),
        loss_bn=RUNNING,
        loss_adv=ADVERSARY,
    ),
    noise=dict(type='mmdfkd.GaussianNoise', **NO_GENERATOR),
    other_images=dict(type='mmdfkd.OtherImages', **NO_GENERATOR, root='sets/others'),
)
#: Keys of the optimisers besides the student's.
ALSO_TRAINED = dict.fromkeys(('cmi',), ('head',))
ALSO_TRAINED |= dict.fromkeys(('deepinversion', 'nayer', 'noise', 'other_images'), ())


def image_set(place, **options):
    names = ('LoadImageFromFile', 'NumpyToPIL', 'PILToNumpy', 'PackInputs')
    pipeline = [dict(type=f'mmpretrain.{name}') for name in names]
    pipeline[1]['to_rgb'] = True
    return dict(type='mmdfkd.ImageFolder', data_root=place, pipeline=pipeline, **options)


def loader(place):
    sampler = dict(type='mmengine.DefaultSampler', shuffle=False)
    return dict(batch_size=30, num_workers=0, dataset=image_set(place), sampler=sampler)


def evaluation(place):
    parts = {}
    for split in ('val', 'test'):
        parts[f'{split}_dataloader'] = loader(place)
        parts[f'{split}_evaluator'] = dict(type='mmpretrain.Accuracy')
        parts[f'{split}_cfg'] = {}
    return parts


def hooks(**more):
    return dict(
        logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
        checkpoint=dict(
            type='mmdfkd.AtomicCheckpointHook', by_epoch=False, interval=2, max_keep_ckpts=-1
        ),
        iteration_seed=dict(type='mmdfkd.IterationSeedHook'),
        non_finite_loss=dict(type='mmdfkd.NonFiniteLossHook'),
        synthetic_grid=dict(type='mmdfkd.SyntheticGridHook', interval=100, num_classes=CLASSES),
        summary=dict(type='mmdfkd.DistillationSummaryHook'),
        **more,
    )


def distillation(method, world):
    """The config of a method's run of 4 rounds in the folder ``world``."""
    keys = ('student', *ALSO_TRAINED.get(method, ('generator',)))
    wrapper = dict(type='OptimWrapper', optimizer=adam())
    model = dict(
        data_preprocessor=dict(
            type='mmpretrain.ClsDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3
        ),
        teacher=dict(
            type='mmdfkd.Classifier', network=network(), checkpoint=f'{world}/teacher.pth'
        ),
        student=dict(type='mmdfkd.Classifier', network=network()),
        loss_kd=loss('KDLoss', temperature=4.0),
        kd_steps=2,
        **(dict(kd_batch_size=6) if 'memory' in METHODS[method] else {}),
    )
    method_parts = copy.deepcopy(METHODS[method])
    if 'root' in method_parts:
        method_parts['root'] = f'{world}/{method_parts["root"]}'
    cosine = dict(type='CosineAnnealingLR', by_epoch=False)
    return dict(
        model=model | method_parts,
        train_dataloader=dict(
            batch_size=6,
            num_workers=0,
            dataset=dict(type='mmdfkd.LabelDataset', num_classes=CLASSES, length=60),
            sampler=dict(type='mmengine.InfiniteSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4),
        optim_wrapper=dict(
            constructor='mmdfkd.MultiOptimWrapperConstructor', **dict.fromkeys(keys, wrapper)
        ),
        param_scheduler={key: [cosine] if key == 'student' else [] for key in keys},
        default_hooks=hooks(),
        custom_hooks=[],
        default_scope=None,
        log_processor=dict(type='LogProcessor', window_size=1, by_epoch=False),
        randomness=dict(seed=0),
        **evaluation(f'{world}/sets/test'),
    )


def classifier(world):
    """The config of a teacher's training on real images."""
    return dict(
        model=network()
        | dict(
            data_preprocessor=dict(
                type='mmpretrain.ClsDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3
            )
        ),
        train_dataloader=loader(f'{world}/sets/test'),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(type='OptimWrapper', optimizer=adam()),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        default_scope=None,
        randomness=dict(seed=0),
        **evaluation(f'{world}/sets/test'),
    )
