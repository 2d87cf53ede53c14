"""Waiting for work that a page began."""

import time

from console.pages.jobs import Job

__all__ = ["ended", "led"]


def ended(site, answer, seconds: float = 120.0) -> Job:
    """Return the work that an answer led to, once it is over."""
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/jobs/"), answer.headers["location"]
    job = site.client.app.state.jobs.get(answer.headers["location"].rpartition("/")[2])
    end = time.monotonic() + seconds
    while job.state == "running":
        assert time.monotonic() < end, "the work does not end"
        time.sleep(0.05)
    return job


def led(site, answer):
    """Return the page that work which an answer led to leads to."""
    job = ended(site, answer)
    assert job.state == "done", job.message
    answer = site.get(f"/jobs/{job.id}")
    assert answer.status_code == 303
    return site.get(answer.headers["location"])
