"""Stores records without pause and prints each acknowledged one, until it is killed."""

import os
import sys
import threading
import time
from pathlib import Path

from common.store.records import Records


def work(records: Records, run: str, worker: int) -> None:
    for number in range(1_000_000):
        payload = {"run": run, "worker": worker, "number": number}
        record_id = records.put("killed", payload, time.time_ns()).result()
        os.write(1, f"{record_id} {worker} {number}\n".encode())  # one write, one line


def main() -> None:
    os.write(1, b"up\n")
    records = Records(Path(sys.argv[1]))
    for worker in range(3):
        threading.Thread(target=work, args=(records, sys.argv[2], worker)).start()


main()
