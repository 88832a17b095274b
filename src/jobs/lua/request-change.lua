--[[
Adds a wish to those that a job's worker has to fulfil, now or when one takes the job. A finished job is left alone.

KEYS  1 state hash
ARGV  1 the wish, as JSON   2 how many came before it, or ""; if there are more, it is among them already
Gives {the job's status, or "" if there is no such job, how many wishes there are now}
]]
local state = redis.call("HMGET", KEYS[1], "status", "wishes")
local status, wishes = state[1], state[2]
local count = wishes and #cjson.decode(wishes) or 0
if ARGV[2] ~= "" and count ~= tonumber(ARGV[2]) then
  return { status or "", count }
end
if status == "queued" or status == "running" or status == "paused" then
  local others = wishes and wishes ~= "[]" and string.sub(wishes, 1, -2) .. "," or "["
  redis.call("HSET", KEYS[1], "wishes", others .. ARGV[1] .. "]")
  count = count + 1
end
return { status or "", count }
