"""Sleeps `params.seconds`: what bench/python_start.py runs to measure how fast Python workers start."""

import time


def work(params, burst):
    time.sleep(params["seconds"])
