"""A cluster of processes that nobody supervises: a controller and invokers, each started by itself."""

import json
import os
import signal

from cluster import Cluster, wait_for

KEY = "test:0123456789abcdef"


class Apart(Cluster):
    """Its ends are the test's to bring about: kill_all() is the last resort."""

    def __init__(self, gust_bin, runtime, *flags, **options):
        super().__init__(gust_bin, runtime, *flags, **options)
        self.state_dir = self.runtime / "invokers"
        self.invoker_listen = self.invokers_at = f"unix:{self.runtime}/invokers.sock"
        self.controller = None
        self.invokers = {}  # the last process of each name

    def start_controller(self, *flags):
        ready, write_end = os.pipe()
        self.controller = self.start("controller", "--listen", "127.0.0.1:0", "--invoker-listen", self.invoker_listen,
                                     "--state-dir", self.runtime / "controller",
                                     "--ready-fd", write_end, *flags, pass_fds=[write_end],
                                     env={**self.environment, "GUST_API_KEY": KEY})  # fmt: skip
        os.close(write_end)
        with os.fdopen(ready) as word:
            told = json.loads(word.read())
        self.endpoint, self.ca_file, self.key = told["endpoint"], told["certificate"], KEY
        self.invoker_listen = self.invokers_at = told["invokers"]  # the same when it is started again
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.environment.update({"GUST_ENDPOINT": self.endpoint, "GUST_API_KEY": KEY, "GUST_CA_FILE": self.ca_file})

    def start_invoker(self, name, *flags, slots=4, **options):
        self.invokers[name] = self.start("invoker", "--controller", self.invokers_at,
                                         "--name", name, "--slots", slots, "--memory", "4GB",
                                         "--state-dir", self.state_dir / name, *flags, **options)  # fmt: skip
        return self.invokers[name]

    def wait_joined(self, *names, seconds=10):
        wait_for(lambda: set(self.invoker_pids()) == set(names), seconds, f"{', '.join(names)} join")

    def kill_all(self):
        for process in [self.controller, *self.invokers.values()]:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            if process is not None:
                process.communicate()
        self.wait_no_processes()
