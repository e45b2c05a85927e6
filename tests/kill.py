"""A run that kills itself, as a power failure would: in a child, so that tests live on."""

import gc
import os
import signal
import socket
import sys
import traceback


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


def statuses(runs):
    """Call all ``runs``, each in a process of torch's, and end all as soon as one has failed.

    Returns:
        The exit status of each, or minus the number of the signal that ended it.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    place = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), WORLD_SIZE=str(len(runs)))
    place |= dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    children = [
        start(run, RANK=str(rank), LOCAL_RANK=str(rank), **place) for rank, run in enumerate(runs)
    ]
    ended = {}
    while len(ended) < len(children):
        child, status = os.wait()
        ended[child] = os.waitstatus_to_exitcode(status)
        if ended[child]:
            for other in set(children) - set(ended):
                os.kill(other, signal.SIGKILL)
    return [ended[child] for child in children]
