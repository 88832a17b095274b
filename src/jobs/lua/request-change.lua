--[[
Adds a wish to those that a job's worker has to fulfil, now or when one takes the job. A finished job is left alone.

KEYS  1 state hash
ARGV  1 the wish, as JSON
Gives the job's status, or "" if there is no such job
]]
local state = redis.call("HMGET", KEYS[1], "status", "wishes")
local status, wishes = state[1], state[2]
if status == "queued" or status == "running" or status == "paused" then
  local others = wishes and wishes ~= "[]" and string.sub(wishes, 1, -2) .. "," or "["
  redis.call("HSET", KEYS[1], "wishes", others .. ARGV[1] .. "]")
end
return status or ""
