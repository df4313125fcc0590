"""Linear algebra in one thread: what a service computes is too small to share out."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def one_thread_of_algebra() -> None:
    """Let the BLAS libraries that are loaded (NumPy's, SciPy's) use one thread, in this process.

    OpenBLAS starts one for each core, and whenever a message has been read they spin, waiting for
    the next product of a matrix: on two cores that took half of what a message costs, and made
    nothing quicker. Training does not call this: its products are large.
    """
    threadpool_limits(limits=1, user_api="blas")
