--[[
Removes a finished job: its log, its state, its places in the indexes, its idempotency key.

KEYS  1 state hash   2 event stream   3 all jobs (sorted set, by id)
      4 completed, 5 failed, 6 cancelled jobs (sorted sets, by id)   7 log of its webhooks
      8 changes of all jobs (stream)   9 owner of each job (hash)   10 mark of a job that was removed
ARGV  1 id   2 seconds for which that mark stays
Gives {"removed", ""}, {"unknown", ""} or {"unfinished", status}
]]
local state = redis.call("HMGET", KEYS[1], "status", "idempotency")
local status, idempotency = state[1], state[2]
if not status then
  return { "unknown", "" }
end
if status ~= "completed" and status ~= "failed" and status ~= "cancelled" then
  return { "unfinished", status }
end
redis.call("DEL", KEYS[1], KEYS[2], KEYS[7])
redis.call("SET", KEYS[10], "1", "EX", ARGV[2])
for i = 3, 6 do
  redis.call("ZREM", KEYS[i], ARGV[1])
end
-- Not among KEYS because only the state knows it; the hash tag puts it into the same slot.
if idempotency then
  redis.call("DEL", idempotency)
end
redis.call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "j", ARGV[1], "o", redis.call("HGET", KEYS[9], ARGV[1]) or "")
return { "removed", "" }
