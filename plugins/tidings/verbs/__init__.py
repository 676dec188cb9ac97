"""The straight line, one file a verb: check, refresh, plan, approve, deliver, track, measure, report; and tick."""
