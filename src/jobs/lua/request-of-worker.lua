--[[
Notes in a running job's state what its worker is asked for, so that whoever runs it, now or next, finds it there.
A job that is not running has no worker to ask: nothing changes.

KEYS  1 state hash   2 changes of all jobs (stream)   3 owner of each job (hash)
ARGV  1 field   2 value   3 id
Gives the job's status, or "" if there is no such job
]]
local status = redis.call("HGET", KEYS[1], "status")
if status == "running" then
  redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
  redis.call("XADD", KEYS[2], "MAXLEN", "~", 10000, "*", "j", ARGV[3], "o", redis.call("HGET", KEYS[3], ARGV[3]) or "")
end
return status or ""
