"""The floor program: what a function costs Redis where plain Lua keeps exact books on RQ's data model, and no more.

A hash of the job, a reservation, the counter and the queue of a node; then it is taken, its result stored, its
reservation given back, its end noted in a registry. No choice of a node, no waiting, no events, no fencing. Whoever
promises more pays more, and this says how much more.
"""

from __future__ import annotations

from typing import Any

from benchmarks.peers.server import cpu_s

SUBMIT = """
local first, data, now = tonumber(ARGV[2]), ARGV[3], ARGV[4]
for number = first, first + tonumber(ARGV[1]) - 1 do
  redis.call('HSET', 'job:' .. number, 'data', data, 'status', 'queued', 'origin', 'node', 'created_at', now,
    'description', 'nothing', 'timeout', '-1')
  redis.call('HSET', 'reservation:' .. number, 'node', 'node', 'cpu', '1000')
  redis.call('HINCRBY', 'node', 'cpu', 1000)
  redis.call('RPUSH', 'queue', number)
end
"""

FINISH = """
local result, now, score = ARGV[2], ARGV[3], ARGV[4]
local taken = {}
for _ = 1, tonumber(ARGV[1]) do
  local number = redis.call('LPOP', 'queue')
  local job, results, reservation = 'job:' .. number, 'results:' .. number, 'reservation:' .. number
  taken[#taken + 1] = redis.call('HMGET', job, 'status', 'data')[2]
  redis.call('HSET', job, 'status', 'finished', 'started_at', now, 'ended_at', now, 'worker_name', 'node')
  redis.call('XADD', results, '*', 'type', '1', 'return_value', result)
  redis.call('EXPIRE', job, 500)
  redis.call('EXPIRE', results, 500)
  redis.call('HINCRBY', 'node', 'cpu', -redis.call('HGET', reservation, 'cpu'))
  redis.call('DEL', reservation)
  redis.call('ZADD', 'finished', score, number)
end
return taken
"""

DATA, RESULT, NOW, SCORE = b"x" * 120, b"null", "2026-01-01T00:00:00.000000Z", "1"


class Wrong(Exception):
    """The books of the floor program do not balance: what it costs says nothing."""


def submit_us(client: Any, count: int, batch: int) -> float:
    """CPU of the server in us for each of `count` functions, `batch` submitted in a call."""
    submit, before_s = client.script_load(SUBMIT), cpu_s(client)
    for first in range(0, count - count % batch, batch):
        client.evalsha(submit, 0, batch, first, DATA, NOW)
    return (cpu_s(client) - before_s) / (count - count % batch) * 1e6


def finish_us(client: Any, count: int, batch: int) -> float:
    """The same for what was submitted, `batch` finished in a call."""
    finish, before_s = client.script_load(FINISH), cpu_s(client)
    for _ in range(count // batch):
        client.evalsha(finish, 0, batch, RESULT, NOW, SCORE)
    us = (cpu_s(client) - before_s) / (count - count % batch) * 1e6
    if client.llen("queue") != count % batch or int(client.hget("node", "cpu")) != count % batch * 1000:
        raise Wrong(f"{client.llen('queue')} stand in the queue after {count} were finished {batch} at a time")
    return us
