"""A run that kills itself, as a power failure would: in a child, so that tests live on."""

import gc
import os
import signal
import sys
import traceback

from mmengine.fileio import LocalBackend


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def in_synthesis(model, round_number, calls=2):
    """Have ``model`` kill its process inside the synthesis of a round, from 1 on.

    After ``calls`` normalisations, which is between two steps of a generator or an inversion;
    or, of a method that makes images without looking at them, once they are made.
    """
    synthesize, normalize = model.synthesize, model.normalize
    left = {'rounds': round_number, 'calls': calls}

    def dying_normalize(images):
        left['calls'] -= 1
        if not left['calls']:
            die()
        return normalize(images)

    def dying_synthesize(*args):
        left['rounds'] -= 1
        if left['rounds']:
            return synthesize(*args)
        model.normalize = dying_normalize
        synthesize(*args)
        die()

    model.synthesize = dying_synthesize


def at_event(function, calls=1, then=0):
    """Kill this process ``then`` events after the ``calls``-th call of a function of that name.

    Events are those of ``sys.setprofile``: calls and returns, of Python's and of C's functions.
    """
    left = {'calls': calls, 'then': then}

    def count(frame, event, _):
        if left['calls']:
            left['calls'] -= event == 'call' and frame.f_code.co_name == function
        elif left['then']:
            left['then'] -= 1
        else:
            die()

    sys.setprofile(count)


def in_half_a_file(ending, calls=1):
    """Kill this process when half of a file with that ending is written, the ``calls``-th one."""
    put, left = LocalBackend.put, {'calls': calls}

    def dying_put(self, obj, filepath):
        left['calls'] -= ending in str(filepath)
        if left['calls']:
            return put(self, obj, filepath)
        put(self, obj[: len(obj) // 2], filepath)
        die()

    LocalBackend.put = dying_put


def exit_status(run):
    """Call ``run`` in a child process; returns its exit status, or minus the signal's number."""
    return wait(start(run))


def start(run, **environment):
    """Call ``run`` in a child process that has ``environment`` besides; returns its number."""
    child = os.fork()
    if child:
        return child
    try:
        gc.freeze()  # nobody needs what the parent has collected
        os.environ |= environment
        run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def wait(child):
    """Return the exit status of a child of :func:`start`, or minus the signal's number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
