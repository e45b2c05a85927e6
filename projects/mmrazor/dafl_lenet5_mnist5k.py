"""mmrazor's DAFL with our generator and our losses: LeNet-5 -> LeNet-5-half, without real images.

A config of mmrazor's kind, after its ``distill/mmcls/dafl``. The data set is labels alone; MNIST-5k
is for validation.
"""

custom_imports = dict(imports=['razor_parts'])
default_scope = 'mmrazor'

rounds = 2000
batch_size = 128
mean, std = [33.46], [78.87]
data_preprocessor = dict(type='mmpretrain.ClsDataPreprocessor', mean=mean, std=std)
head = dict(
    type='LinearClsHead', num_classes=10, in_channels=84, loss=dict(type='CrossEntropyLoss')
)
teacher = dict(
    _scope_='mmpretrain',
    type='ImageClassifier',
    backbone=dict(type='mmdfkd.DAFLLeNet5'),
    head=head,
    data_preprocessor=data_preprocessor,
)
student = dict(
    teacher,
    backbone=dict(type='mmdfkd.DAFLLeNet5', width=0.5),
    head=dict(head, in_channels=42),
)
teacher_logits = dict(from_student=False, recorder='logits')
model = dict(
    type='DAFLDataFreeDistillation',
    data_preprocessor=data_preprocessor,
    architecture=student,
    teachers=dict(
        lenet5=dict(build_cfg=teacher, ckpt_path='work_dirs/teachers/lenet5_mnist5k/epoch_40.pth')
    ),
    generator=dict(
        type='mmdfkd.RazorGenerator',
        generator=dict(
            type='mmdfkd.UnconditionalGenerator',
            latent_dim=100,
            image_size=32,
            out_channels=1,
            base_channels=16,
            median_pixel=8.0,
        ),
        mean=mean,
        std=std,
    ),
    distiller=dict(
        type='ConfigurableDistiller',
        student_recorders=dict(logits=dict(type='ModuleOutputs', source='head.fc')),
        teacher_recorders=dict(logits=dict(type='ModuleOutputs', source='lenet5.head.fc')),
        distill_losses=dict(loss_kd=dict(type='mmdfkd.KDLoss', divergence='l1')),
        loss_forward_mappings=dict(
            loss_kd=dict(
                student_logits=dict(from_student=True, recorder='logits'),
                teacher_logits=teacher_logits,
            )
        ),
    ),
    generator_distiller=dict(
        type='ConfigurableDistiller',
        teacher_recorders=dict(
            logits=dict(type='ModuleOutputs', source='lenet5.head.fc'),
            features=dict(type='ModuleInputs', source='lenet5.head.fc'),
        ),
        distill_losses=dict(
            loss_pseudo_label=dict(type='mmdfkd.PseudoLabelLoss', loss_weight=1.0),
            loss_entropy=dict(type='mmdfkd.InformationEntropyLoss', loss_weight=2.17),
            loss_act=dict(type='mmdfkd.ActivationLoss', loss_weight=0.1),
        ),
        loss_forward_mappings=dict(
            loss_pseudo_label=dict(logits=teacher_logits),
            loss_entropy=dict(logits=teacher_logits),
            loss_act=dict(features=dict(from_student=False, recorder='features', data_idx=0)),
        ),
    ),
)
optim_wrapper = dict(
    constructor='mmrazor.SeparateOptimWrapperConstructor',
    architecture=dict(optimizer=dict(type='Adam', lr=2e-3)),
    generator=dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999))),
)
param_scheduler = dict(
    architecture=[dict(type='CosineAnnealingLR', by_epoch=False)],
    generator=[],
)
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=dict(type='mmdfkd.RazorLabels', num_classes=10, length=10000),
    sampler=dict(type='InfiniteSampler', shuffle=False),
)
train_cfg = dict(by_epoch=False, max_iters=rounds, val_interval=500)
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(
        type='mmdfkd.MNIST5k',
        split='test',
        pipeline=[
            dict(type='mmpretrain.Resize', scale=32, interpolation='bilinear'),
            dict(type='mmpretrain.PackInputs'),
        ],
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='mmpretrain.Accuracy')
val_cfg = dict()
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=500, max_keep_ckpts=2),
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
