"""When the workers of a flare started and ended, as a table: for people, and as a result file.

The columns of the file, their order and their meaning are those of the statistics of Lithops, then `hostname` and
Gust's own (src/stats/record.h in Gust's repository): `gust stats` and `gust plot` read it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import statistics
from typing import Any, Callable, Dict, List, Optional, Sequence

COLUMNS = (
    "host_job_create_tstamp",
    "host_job_serialize_time",
    "func_data_size_bytes",
    "func_module_size_bytes",
    "host_func_upload_time",
    "host_data_upload_time",
    "host_job_created_time",
    "host_status_done_tstamp",
    "host_status_query_count",
    "worker_start_tstamp",
    "host_submit_tstamp",
    "worker_cold_start",
    "worker_peak_memory_start",
    "worker_func_start_tstamp",
    "worker_func_end_tstamp",
    "worker_func_exec_time",
    "func_result_size",
    "worker_result_upload_time",
    "worker_peak_memory_end",
    "worker_end_tstamp",
    "worker_exec_time",
    "host_result_done_tstamp",
    "host_result_query_count",
    "hostname",
    "worker_id",
    "pack_id",
    "flare_received_tstamp",
    "flare_reserved_tstamp",
    "pack_received_tstamp",
    "pack_launched_tstamp",
    "pack_entered_tstamp",
    "pack_loaded_tstamp",
)


@dataclasses.dataclass
class Call:
    """The client's part of a flare's times: stamps are Unix seconds, durations seconds."""

    workers: int
    created: float  #: the call began
    params_bytes: Sequence[int] = ()
    code_bytes: int = 0
    serialized: float = 0  #: the parameters were JSON after so long
    uploaded: float = 0  #: how long the code took to be stored, where the call did that
    submitted: float = 0
    done: float = 0  #: the client held the results
    looks: int = 0


class Stats:
    """Of one ended flare. `print()` shows it; `rows` are its workers', with COLUMNS as names."""

    def __init__(self, flare: Dict[str, Any], call: Call):
        self._flare = flare
        self.rows: List[Dict[str, Any]] = [
            _row(worker, flare, call) for worker in flare["workers"] if worker["started"] is not None
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def to_csv(self) -> str:
        """The result file's text."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow(
                {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()}
            )
        return text.getvalue()

    def write_csv(self, path: "os.PathLike[str] | str") -> None:
        """Writes the result file; `gust plot startup` draws it."""
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(self.to_csv())

    def __str__(self) -> str:
        flare = self._flare
        hosts = len({row["hostname"] for row in self.rows})
        head = (
            f"{len(self.rows)} of {flare['burst_size']} workers started, in {len(flare['packs'])} packs on {hosts} "
            f"invokers; the flare {flare['state'].replace('_', ' ')}\n"
        )
        if not self.rows:
            return head
        lines = [("milliseconds", "min", "median", "p99", "max")]
        lines += [_line(name, [value(row) * 1e3 for row in self.rows]) for name, value in MEASURES]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        table = ""
        for line in lines:
            cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            table += "  ".join(cells) + "\n"
        return head + table

    __repr__ = __str__


MEASURES: Sequence["tuple[str, Callable[[Dict[str, Any]], float]]"] = (
    (
        "call to worker's start",
        lambda row: row["worker_start_tstamp"] - row["host_job_create_tstamp"],
    ),
    ("in the function", lambda row: row["worker_func_exec_time"]),
    (
        "call to worker's end",
        lambda row: row["worker_end_tstamp"] - row["host_job_create_tstamp"],
    ),
    (
        "call to results here",
        lambda row: row["host_result_done_tstamp"] - row["host_job_create_tstamp"],
    ),
)


def _line(name: str, values: List[float]) -> "tuple[str, ...]":
    values.sort()
    p99 = values[min(len(values) - 1, int(0.99 * (len(values) - 1) + 0.5))]
    return (
        name,
        *(f"{value:,.1f}" for value in (values[0], statistics.median(values), p99, values[-1])),
    )


def _row(worker: Dict[str, Any], flare: Dict[str, Any], call: Call) -> Dict[str, Any]:
    def stamp(value: Optional[float]) -> float:
        return float(value or 0)

    pack = flare["packs"][worker["pack"]]
    started, ended = stamp(worker["started"]), stamp(worker["ended"])
    entered, left = stamp(worker["function_started"]), stamp(worker["function_ended"])
    # A worker that was ended has been there until its pack's end.
    ended = ended or stamp(pack["ended"])
    index = worker["worker"]
    return {
        "host_job_create_tstamp": call.created,
        "host_job_serialize_time": call.serialized,
        "func_data_size_bytes": call.params_bytes[index] if call.params_bytes else 0,
        "func_module_size_bytes": call.code_bytes,
        "host_func_upload_time": call.uploaded,
        "host_data_upload_time": 0.0,
        "host_job_created_time": call.submitted - call.created,
        "host_status_done_tstamp": call.done,
        "host_status_query_count": call.looks,
        "worker_start_tstamp": started,
        "host_submit_tstamp": call.submitted,
        "worker_cold_start": not pack["prewarmed"],
        "worker_peak_memory_start": pack["peak_memory_bytes_at_start"],
        "worker_func_start_tstamp": entered,
        "worker_func_end_tstamp": left,
        "worker_func_exec_time": max(0.0, left - entered),
        "func_result_size": len(json.dumps(worker["result"], ensure_ascii=False, separators=(",", ":")).encode()),
        "worker_result_upload_time": 0.0,
        "worker_peak_memory_end": worker["peak_memory_bytes"],
        "worker_end_tstamp": ended,
        "worker_exec_time": ended - started,
        "host_result_done_tstamp": call.done,
        "host_result_query_count": 1,
        "hostname": pack["invoker"],
        "worker_id": index,
        "pack_id": pack["pack"],
        "flare_received_tstamp": stamp(flare["stamps"]["received"]),
        "flare_reserved_tstamp": stamp(flare["stamps"]["reserved"]),
        "pack_received_tstamp": stamp(pack["received"]),
        "pack_launched_tstamp": stamp(pack["launched"]),
        "pack_entered_tstamp": stamp(pack["entered"]),
        "pack_loaded_tstamp": stamp(pack["loaded"]),
    }
