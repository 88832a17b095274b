--[[
Notes in a running job's state what its worker is asked for, so that whoever runs it, now or next, finds it there.
A job that is not running has no worker to ask: nothing changes.

KEYS  1 state hash
ARGV  1 field   2 value
Gives the job's status, or "" if there is no such job
]]
local status = redis.call("HGET", KEYS[1], "status")
if status == "running" then
  redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
end
return status or ""
