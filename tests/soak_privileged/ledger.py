"""What was accepted, how it ended, and whether that can be right."""

import collections
import threading

ENDS = ("succeeded", "failed", "cancelled", "timed_out")
STAMPS = ("received", "queued", "reserved", "starting", "running", "finishing", "ended")


def outcome(record):
    return {name: record[name] for name in ("state", "cause")} | {"ended": record["stamps"]["ended"]}


def is_loss(record):
    """Failed by what the soak did: an invoker or a pack was lost, or it fits no longer."""
    code, message = record["cause"]["code"], record["cause"]["message"]
    if code in ("unavailable", "crashed") and "SIGKILL" in message:
        return True
    losses = ("was lost", "no invoker", "did not come back", "was started again")
    return code == "never_fits" or (code == "unavailable" and any(loss in message for loss in losses))


def is_hearsay(record):
    """A controller stopped it, and was killed before that was written."""
    return (
        record["state"] == "failed"
        and record["cause"]["code"] == "cancelled"
        and "was stopped" in record["cause"]["message"]
    )


def judge(flare, record, stalls, absences):
    """What is wrong with how it ended; None when nothing is. `stalls` are when the machine stood still, `absences` when
    there was no controller."""
    state, kind = record["state"], flare.kind
    if state not in ENDS:
        return f"it is {state}"
    if record["burst_size"] != flare.workers:
        return f"it has {record['burst_size']} workers, {flare.workers} were asked for"
    if len(record["lost"]) > flare.retries:
        return f"it started again {len(record['lost'])} times, {flare.retries} were allowed"
    if {entry["id"] for entry in record["activations"]} != set(flare.activations):
        return f"its activations are {record['activations']}, and {flare.activations} were promised"
    stamps = [record["stamps"][name] for name in STAMPS if record["stamps"][name]]
    if stamps != sorted(stamps):
        return f"its stamps run backwards: {record['stamps']}"
    if any(pack["state"] != "ended" for pack in record["packs"]):
        return "it ended before its packs"
    if state == "cancelled":
        return None if flare.asked_to_cancel else "it was cancelled by nobody"
    if state == "failed" and is_loss(record):
        again = record["cause"]["code"] == "never_fits" or "cannot start again" in record["cause"]["message"]
        if len(record["lost"]) < flare.retries and not again and not flare.asked_to_cancel:
            return f"it was lost after {len(record['lost'])} of {flare.retries} retries: {record['cause']}"
        return None
    if is_hearsay(record) and any(begin < record["stamps"]["ended"] < end + 5 for begin, end in absences):
        return None
    if state == "timed_out" and any(begin < record["stamps"]["ended"] < end + 1 for begin, end in stalls):
        return None
    if state != kind.end:
        return f"it {state}: {record['cause']}"
    if state == "succeeded" and any(
        worker["state"] not in ("returned", "returned_error") for worker in record["workers"]
    ):
        return f"it succeeded, and its workers are {collections.Counter(w['state'] for w in record['workers'])}"
    return kind.wrong(record)


class Ledger:
    """For all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.flares = {}
        self.outcomes = collections.Counter()  # of those that have been judged: (kind, state)
        self.refusals = collections.Counter()
        self.breaks = []
        self.problems = []
        self.retried = 0
        self.stalls = []  # (from, to), on the wall clock
        self.absences = []  # of the controller, likewise

    def accept(self, flare):
        with self.lock:
            twice = flare.id in self.flares
            self.flares[flare.id] = flare
        if twice:
            self.problem(f"flare {flare.id} was promised twice")

    def unseen(self):
        with self.lock:
            return sum(flare.seen is None for flare in self.flares.values())

    def see(self, flare, record):
        """Somebody saw it ended: for the first time, or as before."""
        first = flare.seen is None or self.may_be_unwritten(flare.seen["ended"])
        if not first and flare.seen != outcome(record):
            self.problem(f"flare {flare.id} ({flare.kind.name}) had ended as {flare.seen}, and now {outcome(record)}")
        if not first:
            return
        flare.seen = outcome(record)
        wrong = judge(flare, record, self.stalls, self.absences)
        with self.lock:
            self.outcomes[flare.kind.name, record["state"]] += 1
            self.retried += len(record["lost"])
        if wrong:
            self.problem(f"flare {flare.id} ({flare.kind.name}, {flare.workers} workers): {wrong}")

    def may_be_unwritten(self, ended):
        """It ended, and 100 ms later, when it is written at the latest, there was no controller: it has ended again."""
        return any(begin - 0.1 <= ended <= begin for begin, _ in self.absences)

    def refused(self, status, sentence):
        """What was not accepted has no outcome; but there are only so many reasons."""
        with self.lock:
            self.refusals[status] += 1
        if status not in (400, 429, 503) or (status == 400 and "needs" not in sentence):
            self.problem(f"a flare was refused with {status}: {sentence}")

    def broke(self, sentence):
        with self.lock:
            self.breaks.append(sentence)

    def problem(self, sentence):
        with self.lock:
            self.problems.append(sentence)
        print(f"problem: {sentence}", flush=True)


def check_all(ledger, connection):
    """After the last flare has ended: each has the outcome that was seen, and the lists have each once."""
    for flare in list(ledger.flares.values()):
        record = connection.look(flare.id)
        if record is None:
            ledger.problem(f"flare {flare.id} ({flare.kind.name}) was accepted, and is not there")
        elif not record["stamps"]["ended"]:
            ledger.problem(f"flare {flare.id} ({flare.kind.name}) is {record['state']} still")
        else:
            ledger.see(flare, record)
    unanswered = accepted_without_answer(ledger, connection)
    if len(unanswered) > len(ledger.breaks):
        ledger.problem(
            f"{len(unanswered)} flares were accepted that nobody asked for, {unanswered[0]['id']} among them"
        )
    for record in unanswered:
        if not record["stamps"]["ended"]:
            ledger.problem(f"flare {record['id']}, whose answer was lost, is {record['state']} still")
    ids = list(ledger.flares) + [record["id"] for record in unanswered]
    promised = [activation for flare in ledger.flares.values() for activation in flare.activations]
    promised += [entry["id"] for record in unanswered for entry in record["activations"]]
    check_list(ledger, connection, "flares", ids, "id")
    check_list(ledger, connection, "activations", promised, "activationId")


def accepted_without_answer(ledger, connection):
    """Records of flares whose request arrived before the connection broke."""
    unknown = {entry["id"] for entry in pages(connection, "flares")} - set(ledger.flares)
    return [connection.look(flare) for flare in unknown]


def pages(connection, what):
    count = 0
    while True:
        status, page = connection.ask("GET", f"/namespaces/_/{what}?limit=200&skip={count}")
        if status != 200 or not page:
            return
        count += len(page)
        yield from page


def check_list(ledger, connection, what, expected, field):
    listed = collections.Counter(entry[field] for entry in pages(connection, what))
    wanted = collections.Counter(expected)
    for difference, sentence in ((wanted - listed, "missing in"), (listed - wanted, "too many in")):
        if difference:
            ledger.problem(
                f"{difference.total()} {what} are {sentence} their list, {next(iter(difference))} among them"
            )
