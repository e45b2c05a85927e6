import time
from types import SimpleNamespace

from mmengine.logging import MessageHub

from mmdfkd.engine.hooks import ProcessorTimeHook


def test_it_logs_the_processor_s_time_and_not_the_clock_s():
    hub = MessageHub('processor time')
    runner = SimpleNamespace(message_hub=hub)
    hook = ProcessorTimeHook()
    hook.before_train_iter(runner, 0)
    start = time.process_time()
    while time.process_time() - start < 0.02:
        pass
    time.sleep(0.2)
    hook.after_train_iter(runner, 0)
    assert 0.02 <= hub.get_scalar('train/processor_time').current() < 0.2
