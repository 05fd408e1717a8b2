"""What stands beside the programs of a bundle: script, systemd unit, README."""

from __future__ import annotations

from edge_deploy.c.generate import Sources
from edge_deploy.graph.ir import Graph


def run_script(decides: bool) -> str:
    """run.sh: `check`, or pictures to answers."""
    program = "decide" if decides else "net"
    check = (
        '  "$@" "$here/bin/decide" "$here/vectors/frames.pgm" |'
        ' cmp - "$here/vectors/decisions.jsonl"\n'
        if decides
        else ""
    )
    usage = (
        "PGM files, or pictures on standard input" if decides else "raw pictures, standard input"
    )
    return f"""#!/bin/sh
# ./run.sh check [EMULATOR]   every file, every expected answer
# ./run.sh [PICTURES]         {usage}
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${{1:-}}" = check ]; then
  shift
  (cd "$here" && sha256sum --quiet -c SHA256SUMS)
  "$@" "$here/bin/net" <"$here/vectors/inputs.bin" | cmp - "$here/vectors/expected.bin"
{check}  echo "every file and every answer is as expected"
else
  exec "$here/bin/{program}" "$@"
fi
"""


def unit(name: str, decides: bool) -> str:
    """A systemd unit: pictures through a named pipe, answers to the journal or a file."""
    pipe = f"/run/lingnan-{name}/pictures"
    folder = f"/opt/lingnan/{name}"
    if decides:
        answer = f"ExecStart={folder}/bin/decide {pipe}\nStandardOutput=journal"
    else:
        answer = (
            f"ExecStart={folder}/bin/net\nStandardInput=file:{pipe}\n"
            f"StandardOutput=append:/var/lib/lingnan-{name}/answers"
        )
    return f"""# Pictures written to {pipe} are answered; copy the bundle to {folder} first.
[Unit]
Description=Lingnan {name}

[Service]
ExecStartPre={folder}/run.sh check
ExecStartPre=/bin/sh -c 'test -p {pipe} || mkfifo -m 0660 {pipe}'
{answer}
RuntimeDirectory=lingnan-{name}
RuntimeDirectoryPreserve=yes
StateDirectory=lingnan-{name}
Restart=always
RestartSec=1
DynamicUser=yes
PrivateNetwork=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
MemoryDenyWriteExecute=yes
MemoryMax=256M

[Install]
WantedBy=multi-user.target
"""


def readme(graph: Graph, sources: Sources, threshold: float | None) -> str:
    """How the bundle is used on the board."""
    plan = sources.memory.plan
    use = (
        f"""
    ./run.sh frames.pgm            # or: some-camera | ./run.sh

Binary PGM, 8 or 16 bit (of 16, bits 4 to 11 are taken), one picture after the other, of the
network's size or up to 15 pixels less. One line of JSON a picture:
`{{"frame":0,"defective":true,"score":9.87,"regions":[{{"box_px":[x0,y0,x1,y1],"score":9.87}}]}}`.
Defective at a score of {threshold:.9g} or more."""
        if threshold is not None
        else """
    ./run.sh <pictures.bin >answers.bin

Raw uint8 (height, width, channel), one picture after the other."""
    )
    also = "" if threshold is None else "and decisions, "
    return f"""# {graph.name} for 64-bit ARM with Linux

Static programs without any dependency; nothing is fetched, no network is needed.

    ./run.sh check                 # checksums, {also}expected answers
{use}

- `LINGNAN_PEAK=1` tells the peak memory on standard error. The network's arena is
  {plan.size:,} bytes, static; nothing is allocated while pictures run.
- `lingnan-{sources.name}.service`: a systemd unit; copy this folder to
  `/opt/lingnan/{sources.name}`, the unit to `/etc/systemd/system`, then
  `systemctl enable --now lingnan-{sources.name}`.
- `source/`: what the programs were compiled from; `vectors/`: expected answers by the integer
  reference. Under an emulator: `./run.sh check qemu-aarch64-static`.
"""
