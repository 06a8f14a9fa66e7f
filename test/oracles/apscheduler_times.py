"""Reads JSON lines {fields, from, count} and writes the fire times that APScheduler 3 gives, as epoch milliseconds."""

import datetime
import json
import sys

import pytz
from apscheduler.triggers.cron import CronTrigger

for line in sys.stdin:
    case = json.loads(line)
    now = datetime.datetime.fromtimestamp(case["from"] / 1000, pytz.utc)
    trigger = CronTrigger(timezone=pytz.utc, start_date=now, **case["fields"])
    previous = None
    times = []
    while len(times) < case["count"]:
        previous = trigger.get_next_fire_time(previous, now)
        if previous is None:
            break
        now = previous + datetime.timedelta(microseconds=1)
        times.append(round(previous.timestamp() * 1000))
    print(json.dumps(times))
