"""Runs a command; prints its CPU seconds and the most memory it had, in KiB."""

import resource
import subprocess
import sys

done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
if done.returncode:
    sys.exit(f"{sys.argv[1]} failed with status {done.returncode}")
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round(usage.ru_utime + usage.ru_stime, 3), usage.ru_maxrss)
