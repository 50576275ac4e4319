"""A controller and an invoker that `gust up` did not start."""

import json
import os

from cluster import Cluster, wait_for

KEY = "test:0123456789abcdef"


class Apart(Cluster):
    """A controller and an invoker, each started by itself; ends are the test's to bring about."""

    def start_controller(self, *flags):
        ready, write_end = os.pipe()
        self.controller = self.start("controller", "--listen", "127.0.0.1:0", "--invoker-listen",
                                     f"unix:{self.runtime}/invokers.sock", "--state-dir", self.runtime / "controller",
                                     "--ready-fd", write_end, *flags, pass_fds=[write_end],
                                     env={**self.environment, "GUST_API_KEY": KEY})  # fmt: skip
        os.close(write_end)
        with os.fdopen(ready) as word:
            told = json.loads(word.read())
        self.endpoint, self.ca_file, self.key = told["endpoint"], told["certificate"], KEY
        self.port = int(self.endpoint.rsplit(":", 1)[1])

    def start_invoker(self, grace, *flags):
        self.invoker = self.start("invoker", "--controller", f"unix:{self.runtime}/invokers.sock", "--name", "lonely",
                                  "--slots", 4, "--memory", "4GB", "--controller-grace", grace, "--state-dir",
                                  self.state_dir, *flags)  # fmt: skip

    def wait_joined(self):
        wait_for(lambda: [entry["name"] for entry in self.status()["invokers"]] == ["lonely"], 10, "the invoker joins")
