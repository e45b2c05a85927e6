"""A run that kills itself, as a power failure would: in a child, so that tests live on."""

import os
import signal
import sys
import traceback


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
            os.kill(os.getpid(), signal.SIGKILL)
        return normalize(images)

    def dying_synthesize(*args):
        left['rounds'] -= 1
        if left['rounds']:
            return synthesize(*args)
        model.normalize = dying_normalize
        synthesize(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    model.synthesize = dying_synthesize


def exit_status(run):
    """Call ``run`` in a child process; returns its exit status, or minus the signal's number."""
    child = os.fork()
    if not child:
        try:
            run()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
