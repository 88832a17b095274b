--[[
Notes what became of a webhook, and when it is due again; one whose job was deleted meanwhile is forgotten.

KEYS  1 state hash of the job   2 webhooks (sorted set of job/seq)   3 attempts (hash by the same names)   4 log of its webhooks
ARGV  1 job/seq   2 what became of it, as JSON, or "" for nothing to note   3 when it is due again, in ms, or "" for never
      4 how many are remembered
]]
local known = redis.call("EXISTS", KEYS[1]) == 1
if known and ARGV[3] ~= "" then
  redis.call("ZADD", KEYS[2], ARGV[3], ARGV[1])
else
  redis.call("ZREM", KEYS[2], ARGV[1])
  redis.call("HDEL", KEYS[3], ARGV[1])
end
if known and ARGV[2] ~= "" then
  redis.call("LPUSH", KEYS[4], ARGV[2])
  redis.call("LTRIM", KEYS[4], 0, ARGV[4] - 1)
end
