from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest

from sionamespace.runtime.originals import get_ident, new_lock


def run(source):
    """What a program prints, in a process of its own, as patching cannot be taken back."""
    program = "import warnings; warnings.simplefilter('ignore')\n" + textwrap.dedent(source)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_each_thread_has_its_own_identity():
    found = []
    thread = threading.Thread(target=lambda: found.append(get_ident()))
    thread.start()
    thread.join()
    assert found != [get_ident()]


def test_each_lock_is_a_new_one():
    with new_lock(), new_lock():
        pass


@pytest.mark.parametrize(
    "patch",
    ["import eventlet; eventlet.monkey_patch()", "from gevent import monkey; monkey.patch_all()"],
    ids=["eventlet", "gevent"],
)
def test_patching_changes_neither_identity_nor_locks(patch):
    found = run(
        f"""
        {patch}
        import threading
        from sionamespace.runtime.originals import get_ident, new_lock

        idents = []
        threads = [threading.Thread(target=lambda: idents.append(get_ident())) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(set(idents) == {{get_ident()}})
        print(threading.get_ident() != threading.current_thread() and type(new_lock()).__module__)
        """
    )
    assert found == ["True", "_thread"]


def test_it_does_not_matter_that_patching_comes_later():
    found = run(
        """
        from sionamespace.runtime.originals import get_ident, new_lock
        import eventlet; eventlet.monkey_patch()
        import threading

        idents = []
        thread = threading.Thread(target=lambda: idents.append(get_ident()))
        thread.start(); thread.join()
        print(idents == [get_ident()], type(new_lock()).__module__)
        """
    )
    assert found == ["True", "_thread"]
