"""Reads JSON lines {text, from, count} and writes the fire times that croniter gives, as epoch milliseconds."""

import json
import sys

from croniter import croniter

for line in sys.stdin:
    case = json.loads(line)
    try:
        walk = croniter(case["text"], start_time=case["from"] / 1000)
        times = [round(walk.get_next(float) * 1000) for _ in range(case["count"])]
    except Exception as error:  # what it refuses, or gives up on, is reported and counted
        times = str(error)
    print(json.dumps(times))
