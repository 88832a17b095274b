--[[
Appends events to the log of a job, or of a sweep, and changes its state accordingly, all or, from the first refused event on, nothing.
It numbers the events without a gap, refuses what the job's status does not allow and what an older attempt
writes (the attempt is the fencing token), and drops an epoch that is there already. It refuses whatever comes after
epochs that are not there, be it the next epoch, a checkpoint or the end: such an event is from a worker that knows more
than a broker which was restored from an older copy, and would leave a gap for ever.
A writer that knows behind which event it writes says so: then nothing is written twice when an answer was lost on its way,
and a log that lost its end is not continued before it is restored.

KEYS  1 state hash   2 event stream   3 waiting jobs (sorted set, in the order in which they will run)
      4 counter of jobs   5 webhooks (sorted set, by the time at which they are due)
      6… jobs by status (sorted sets, by id): queued, running, paused, completed, failed, cancelled
      12 changes of all jobs (stream)   13 owner of each job (hash)   14 mark of a job that was removed
ARGV  1 id   2 attempt that writes, or "" if no worker does   3 number of the event before, or ""
      4… for each event: type, how many epochs it comes after, body from its second field on,
         number of state fields and values that follow, field, value, field, value …
Gives {"ok", number of the last event, events dropped}
   or {"refused", reason, status, attempt} where reason is unknown_job, status, attempt, behind or gap
]]
local RULES = {
  queued = { from = { running = true, paused = true }, to = "queued" },
  started = { from = { queued = true }, to = "running", claims = true },
  resumed = { from = { queued = true, running = true }, to = "running", claims = true },
  paused = { from = { queued = true, running = true }, to = "paused" },
  epoch = { from = { running = true } },
  probe = { from = { running = true } },
  changed = { from = { running = true } },
  step = { from = { running = true } },
  checkpoint = { from = { running = true } },
  trial = { from = { running = true } },
  anomaly = { from = { running = true } },
  completed = { from = { running = true }, to = "completed" },
  failed = { from = { queued = true, running = true }, to = "failed" },
  cancelled = { from = { queued = true, running = true, paused = true }, to = "cancelled" },
}
local BY_STATUS = {
  queued = KEYS[6], running = KEYS[7], paused = KEYS[8], completed = KEYS[9], failed = KEYS[10], cancelled = KEYS[11],
}

local id, writer, before = ARGV[1], ARGV[2], tonumber(ARGV[3])
local state = redis.call("HMGET", KEYS[1], "status", "attempt", "seq", "epoch", "score", "webhook_events")
local status, attempt, seq, epoch, score = state[1], tonumber(state[2]), tonumber(state[3]), tonumber(state[4]), state[5]
local told = state[6] or ""
if not status then
  -- Of a job that its writer knows, and that nobody removed, the log has lost all.
  local lost = before and redis.call("EXISTS", KEYS[14]) == 0
  return { "refused", lost and "behind" or "unknown_job", "", 0 }
end

if before and seq < before then
  return { "refused", "behind", status, attempt }
end
if before and seq > before then
  if writer == "" or writer == tostring(attempt) then
    return { "ok", seq, 0 }
  end
  return { "refused", "attempt", status, attempt }
end

local dropped = 0
local changed = false
-- Fields of the state and their values, as events change them.
local fields, values_of = {}, {}
local function set(field, value)
  if values_of[field] == nil then
    fields[#fields + 1] = field
  end
  values_of[field] = value
end
-- All of them at once: a log of thousands of events changes the same few again and again.
local function save()
  if not changed then
    return
  end
  set("seq", seq)
  set("attempt", attempt)
  set("epoch", epoch)
  set("status", status)
  -- Of more values Lua can't make arguments.
  for from = 1, #fields, 1000 do
    local some = {}
    for i = from, math.min(from + 999, #fields) do
      some[#some + 1], some[#some + 2] = fields[i], values_of[fields[i]]
    end
    redis.call("HSET", KEYS[1], unpack(some))
  end
end
local function refused(reason)
  save()
  return { "refused", reason, status, attempt }
end

local at = 4
while at <= #ARGV do
  local type, epochs_before, body, values = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local first, after = at + 4, at + 4 + values
  local rule = RULES[type]

  if not rule.from[status] then
    return refused("status")
  end
  -- A running job belongs to its attempt; one that waits belongs to nobody.
  local needed = ""
  if rule.claims then
    needed = tostring(attempt + 1)
  elseif status == "running" then
    needed = tostring(attempt)
  end
  if writer ~= needed then
    return refused("attempt")
  end
  if epochs_before > epoch then
    return refused("gap")
  end

  if type == "epoch" and epochs_before < epoch then
    dropped = dropped + 1
  else
    if type == "epoch" then
      epoch = epoch + 1
    end
    if rule.claims then
      attempt = attempt + 1
    end
    if not changed then
      changed = true
      redis.call("XADD", KEYS[12], "MAXLEN", "~", 10000, "*", "j", id, "o", redis.call("HGET", KEYS[13], id) or "")
    end
    seq = seq + 1
    redis.call("XADD", KEYS[2], seq .. "-0", "e", type, "d", '{"seq":' .. seq .. "," .. body)
    if string.find(told, "," .. type .. ",", 1, true) then
      redis.call("ZADD", KEYS[5], 0, id .. "/" .. seq)
    end
    for i = first, after - 1, 2 do
      set(ARGV[i], ARGV[i + 1])
    end
    local to = rule.to or status
    if to ~= status then
      redis.call("ZREM", BY_STATUS[status], id)
      redis.call("ZADD", BY_STATUS[to], 0, id)
      if to == "queued" then
        -- After a pause it waits behind those of its rank; one whose worker stopped keeps its place.
        if status == "paused" then
          score = string.format("%.0f", math.floor(score / 4294967296) * 4294967296 + redis.call("INCR", KEYS[4]))
          set("score", score)
        end
        redis.call("ZADD", KEYS[3], score, id)
      else
        redis.call("ZREM", KEYS[3], id)
      end
      status = to
    end
  end
  at = after
end
save()
return { "ok", seq, dropped }
