"""Slurm of one's own on one machine: munge, slurmctld and a slurmd for each node, all of their files in one folder.

As root, jobs may be anybody's; as somebody else, that user's. Nodes may have more processors than the machine.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from cluster import is_alive, wait_for
from own_server import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
SBIN = "/usr/sbin:/sbin"
BATCH = pathlib.Path(__file__).resolve().parents[1] / "deploy/slurm/gust.sbatch"
KEY_BYTES = 128


def missing():
    """Which program there is not."""
    path = f"{os.environ['PATH']}:{SBIN}"
    return next((f"{program} is not installed" for program in PROGRAMS if not shutil.which(program, path=path)), None)


class SlurmCluster:
    """Nodes node0 and so on. To be used with `with`; at its end, all that Slurm has started is killed."""

    def __init__(self, nodes, cpus):
        self.nodes, self.cpus = nodes, cpus
        # Not pytest's, which is closed to other users; and short, for sockets are in it.
        self.temporary = tempfile.TemporaryDirectory(prefix="gust-slurm-", dir="/tmp")
        self.folder = pathlib.Path(self.temporary.name)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.processes = {}
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GUST_", "SLURM"))
        }
        self.environment |= {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{os.environ['PATH']}:{SBIN}",
        }

    def __enter__(self):
        self.folder.chmod(0o755)  # jobs of others read the configuration
        self._configure()
        try:
            self._start_munge()
            self._start("slurmctld", "slurmctld", "-D", "-i", "-f", self.folder / "slurm.conf")
            for node in self.names():
                self.start_node(node)
            self.wait_idle(60)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes.values()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        for pid in self.job_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.temporary.cleanup()

    @property
    def scratch(self):
        """Where jobs put their files."""
        return self.folder / "scratch"

    def names(self):
        return [f"node{number}" for number in range(self.nodes)]

    def _configure(self):
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={free_port()}"
            f" CPUs={self.cpus} State=UNKNOWN"
            for node in self.names()
        )
        (self.folder / "slurm.conf").write_text(
            f"""\
ClusterName=gust
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmctldPort={free_port()}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={self.user}
SlurmdUser={self.user}
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge/socket
CredType=cred/munge
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool-%n
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/%n.pid
SlurmctldLogFile={self.folder}/slurmctld.log
SlurmdLogFile={self.folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
KillWait=10
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP OverSubscribe=NO
"""
        )
        (self.folder / "state").mkdir(0o700)
        self.scratch.mkdir()
        self.scratch.chmod(0o1777)

    def _start(self, name, *command):
        with (self.folder / f"{name}.out").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _start_munge(self):
        place = self.folder / "munge"
        place.mkdir(0o755)
        key = place / "key"
        key.touch(0o600)
        key.write_bytes(os.urandom(KEY_BYTES))
        self._start("munged", "munged", "--foreground", "--num-threads", 2, "--key-file", key, "--socket", place / "socket",
                    "--pid-file", place / "pid", "--log-file", place / "log", "--seed-file", place / "seed",
                    "--force")  # fmt: skip
        wait_for(lambda: (place / "socket").exists() or self._check(), 10, "munge's socket")

    def start_node(self, node):
        self._start(node, "slurmd", "-D", "-N", node, "-f", self.folder / "slurm.conf")

    def _check(self):
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} has ended:\n{self.logs()}"

    def logs(self):
        """The last that each program said."""
        found = [*self.folder.glob("*.log"), *self.folder.glob("*.out"), *self.folder.glob("munge/log")]
        return "".join(f"== {path.name}\n{path.read_text()[-2000:]}" for path in sorted(found))

    def run(self, *command, **options):
        """One of Slurm's commands, which must succeed; gives what it printed."""
        done = subprocess.run([*map(str, command)], env=self.environment, capture_output=True, text=True, check=False,
                              timeout=60, **options)  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}\n{self.logs()}"
        return done.stdout

    def submit(self, *command, nodes=None, flags=(), settings=None, **options):
        """Starts the command in a cluster of Gust's; gives the job's id. Its output is in output_of()."""
        settings = {"TMPDIR": str(self.scratch), **(settings or {})}
        return self.run("sbatch", "--parsable", f"--nodes={nodes or self.nodes}", f"--output={self.scratch}/job-%j.out",
                        f"--chdir={self.scratch}", "--export=ALL," + ",".join(f"{k}={v}" for k, v in settings.items()),
                        *flags, BATCH, *command, **options).strip()  # fmt: skip

    def output_of(self, job):
        path = self.scratch / f"job-{job}.out"
        return path.read_text() if path.exists() else ""

    def job(self, job):
        """What Slurm says of it: JobState, ExitCode and others."""
        words = self.run("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_job(self, job, seconds=60):
        """Gives its last state, as job()."""

        def ended():
            self._check()
            now = self.job(job)
            return now["JobState"] not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING") and now

        try:
            return wait_for(ended, seconds, f"the end of job {job}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.job(job)}\n{self.output_of(job)}\n{self.logs()}") from error

    def states(self):
        """Of each node, as `idle`."""
        said = subprocess.run(["sinfo", "--noheader", "--Node", "--format=%N %T"], env=self.environment,
                              capture_output=True, text=True, check=False)  # fmt: skip
        return dict(line.split() for line in said.stdout.splitlines())

    def wait_idle(self, seconds=30):
        def idle():
            self._check()
            return self.states() == {node: "idle" for node in self.names()}

        try:
            wait_for(idle, seconds, "all nodes idle")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.states()}\n{self.logs()}") from error

    def job_processes(self):
        """Ids of all that jobs have started and that lives. Packs, whose environment is their own, by their parents."""
        mine = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        found, children = set(), {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and is_alive(entry.name):
                with contextlib.suppress(OSError):
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
                    variables = (entry / "environ").read_bytes().split(b"\0")
                    if mine in variables and any(variable.startswith(b"SLURM_JOB_ID=") for variable in variables):
                        found.add(int(entry.name))
        unseen = list(found)
        while unseen:
            more = set(children.get(unseen.pop(), [])) - found
            found |= more
            unseen += more
        return found
