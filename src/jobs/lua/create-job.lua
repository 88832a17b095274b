--[[
Creates a job, or a sweep: its state hash, the first event of its stream, its places in the indexes.
The same idempotency key gives the job that was made with it first. A job that was removed is not made again. Refuses a job
of an owner who has as many unfinished ones as they may.

KEYS  1 state hash   2 event stream   3 all jobs (sorted set, by id)   4 queued jobs (sorted set, by id)
      5 waiting jobs (sorted set, in the order in which they will run)   6 counter of jobs   7 idempotency key
      8 changes of all jobs (stream)   9 owner of each job (hash)   10 what its owner owns (sorted set, by id)
      11 running jobs, 12 paused jobs (sorted sets, by id)   13 mark of a job that was removed
ARGV  1 id   2 hash of the body, or "" without an idempotency key   3 seconds to remember that key
      4 rank: the smaller, the sooner it runs   5 body of the `queued` event, from its second field on
      6 how many unfinished jobs its owner may have, or "" for any number   7… field, value, field, value … of the state
Gives {"created", id, its place among those that wait: 1 runs next}, {"same", id of the first job}, {"conflict", id of the first job} or {"full", ""}
]]
local id, hash = ARGV[1], ARGV[2]

-- Whoever makes a job under an id that was noted before may not know that it is made already.
if redis.call("EXISTS", KEYS[1], KEYS[13]) > 0 then
  return { "same", id }
end

if hash ~= "" then
  local first = redis.call("HMGET", KEYS[7], "id", "hash")
  if first[1] then
    return { first[2] == hash and "same" or "conflict", first[1] }
  end
end

if ARGV[6] ~= "" then
  local unfinished = 0
  for _, status in ipairs({ KEYS[4], KEYS[11], KEYS[12] }) do
    unfinished = unfinished + redis.call("ZINTERCARD", 2, KEYS[10], status, "LIMIT", ARGV[6])
  end
  if unfinished >= tonumber(ARGV[6]) then
    return { "full", "" }
  end
end

if hash ~= "" then
  redis.call("HSET", KEYS[7], "id", id, "hash", hash)
  redis.call("EXPIRE", KEYS[7], ARGV[3])
  redis.call("HSET", KEYS[1], "idempotency", KEYS[7])
end

redis.call("HSET", KEYS[1], unpack(ARGV, 7))
redis.call("HSET", KEYS[1], "id", id, "status", "queued", "seq", 1, "attempt", 0, "epoch", 0)
redis.call("XADD", KEYS[2], "1-0", "e", "queued", "d", '{"seq":1,' .. ARGV[5])
redis.call("ZADD", KEYS[3], 0, id)
redis.call("ZADD", KEYS[4], 0, id)
-- Jobs of one rank run in the order of their creation: 2^32 of them fit between two ranks.
local score = ARGV[4] * 4294967296 + redis.call("INCR", KEYS[6])
redis.call("HSET", KEYS[1], "score", string.format("%.0f", score))
redis.call("ZADD", KEYS[5], string.format("%.0f", score), id)
redis.call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "j", id, "o", redis.call("HGET", KEYS[9], id) or "")
return { "created", id, redis.call("ZRANK", KEYS[5], id) + 1 }
