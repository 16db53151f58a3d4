"""Convert the model to the format of a contestant: before timing starts, in processes whose memory is not counted.

python -m songsmith.benchmark.converting FORM FOLDER PLACE
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from songsmith.benchmark.contestants import CONTESTANTS, CONVERSIONS, Contestant
from songsmith.benchmark.worker import Absent, last_line
from songsmith.files import replacing_folder


def convert(
    contestant: str,
    folder: Path,
    environment: Mapping[str, str],
    work: Path,
    contestants: Mapping[str, Contestant] = CONTESTANTS,
) -> Path:
    """Return a folder that a contestant can load the model from; what one of its form had made is not made again.

    Args:
        contestant: the name of one of `contestants`.
        folder: the model directory.
        environment: of the process that converts.
        work: folder for what is made.
        contestants: who takes part.

    Raises:
        Absent: a package is missing, or the model cannot be converted.
    """
    wanted = contestants[contestant]
    missing = wanted.missing()
    if missing:
        raise Absent(missing)
    if not wanted.form:
        return folder
    place = work / f"{folder.name}-{wanted.form}"
    if place.exists():
        return place
    with replacing_folder(place) as new:
        command = [sys.executable, "-m", "songsmith.benchmark.converting", wanted.form, str(folder), str(new)]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            raise Absent(last_line(done.stderr) or f"its converter ended with exit code {done.returncode}")
    return place


if __name__ == "__main__":
    CONVERSIONS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
