--[[
Takes webhooks that are due, and makes them due again at the end of a lease.

KEYS  1 webhooks (sorted set of job/seq, by the time in ms at which they are due)   2 attempts (hash by the same names)
ARGV  1 now, in ms   2 end of the lease, in ms   3 how many at most
Gives a list of {job/seq, number of this attempt}
]]
local taken = {}
for _, member in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[1], "LIMIT", 0, ARGV[3])) do
  redis.call("ZADD", KEYS[1], ARGV[2], member)
  taken[#taken + 1] = { member, redis.call("HINCRBY", KEYS[2], member, 1) }
end
return taken
