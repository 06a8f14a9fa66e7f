/**
 * Hands out waiting runs that are due, and runs whose claim ran out.
 *
 * ARGV: 3 owner, 4 lease, 5 how many at most, 6 the room. Answers with the time; then for each its id, row and progress,
 * and its job's row and definition, '' where the job is gone.
 */
export const claim: string = String.raw`
local owner, lease, limit = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local found, room = lanes_of(6)
local now = time()
local until_now, expiry = int(now), int(now + lease)

-- What could be taken: expired runs, and for each job as many waiting ones as it has room for.
local candidates, ids, uids = {}, {}, {}
local function candidate(id, lane, executor, expired)
  candidates[#candidates + 1] = { id = id, lane = lane, executor = executor, expired = expired }
  ids[#ids + 1] = id
end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'lease:0', '-inf', until_now, 'LIMIT', 0, limit)) do candidate(id, '0', nil, true) end
local ready = {}
for i = 1, #found do
  local lane, executor = found[i].number, found[i].executor
  local most = min(limit, room[executor])
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'lease:' .. lane, '-inf', until_now, 'LIMIT', 0, most)) do candidate(id, lane, executor, true) end
  for _, uid in ipairs(call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '-inf', until_now, 'LIMIT', 0, most)) do
    ready[#ready + 1] = { uid = uid, lane = lane, executor = executor, most = most }
    uids[#uids + 1] = uid
  end
end
load_jobs(uids)
for i = 1, #ready do
  local uid, j = ready[i].uid, jobs[ready[i].uid]
  local most = j and min(ready[i].most, j.most - j.active) or 0
  local queue = most > 0 and call('ZRANGEBYLEX', P .. 'waiting', '[' .. uid .. ':', '(' .. uid .. ':' .. sortable(now + 1), 'LIMIT', 0, most) or {}
  for k = 1, #queue do candidate(id_of_waiting(uid, queue[k]), ready[i].lane, ready[i].executor, false) candidates[#candidates].member = queue[k] end
  if #queue == 0 then call('ZREM', P .. 'ready:' .. ready[i].lane, uid) end
end

load_runs(ids)
uids = {}
for i = 1, #ids do
  if runs[ids[i]] then uids[#uids + 1] = runs[ids[i]].uid end
end
load_jobs(uids)
local readable = {}
for i = 1, #candidates do
  local c = candidates[i]
  c.run = runs[c.id]
  if c.run then
    c.due = tonumber(c.run.due)
    readable[#readable + 1] = c
  else
    -- It would come again at every look; "health" names it instead.
    if c.expired then call('ZREM', P .. 'lease:' .. c.lane, c.id) end
    if c.member then call('ZREM', P .. 'waiting', c.member) end
    if call('HEXISTS', P .. 'runs', c.id) == 1 then call('SADD', P .. 'unreadable', c.id) end
    local uid = c.member and match(c.member, '^%d+')
    if uid and jobs[uid] then jobs[uid].queued, jobs[uid].left = max(0, jobs[uid].queued - 1), true c.lost = jobs[uid] end
  end
end
table.sort(readable, function(a, b)
  if a.due ~= b.due then return a.due < b.due end
  return a.id < b.id
end)

local fence = tonumber(call('HGET', P .. 'meta', 'fence') or 0)
local changed, taken = {}, {}
for i = 1, #candidates do
  if candidates[i].lost then changed[candidates[i].lost.uid] = candidates[i].lost end
end
for i = 1, #readable do
  local c = readable[i]
  local r, j = c.run, jobs[c.run.uid]
  local fits = #taken < limit and (not c.executor or not j or room[c.executor] > 0) and (c.expired or (j and j.active < j.most))
  if fits then
    if j and c.executor then room[c.executor] = room[c.executor] - 1 end
    fence = fence + 1
    if c.expired then
      r.crashes = r.crashes + 1
      zrem('lease:' .. c.lane, r.id)
    else
      leave_waiting(r, j)
      r.cancel = '0'
      j.active = j.active + 1
      changed[j.uid] = j
    end
    r.outcome, r.fence, r.owner = 'running', fence, owner
    zadd('lease:' .. (j and j.lane or '0'), expiry, r.id)
    hset('runs', r.id, run_row(r))
    taken[#taken + 1] = r
  end
end
hset('meta', 'fence', int(fence))
settle(changed)

local answer, job_uids, run_ids = { now }, {}, {}
for i = 1, #taken do job_uids[i], run_ids[i] = taken[i].uid, taken[i].id end
local definitions, notes = mget(P .. 'defs', job_uids), mget(P .. 'progress', run_ids)
for i = 1, #taken do
  local j, n = jobs[taken[i].uid], #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = taken[i].id, run_row(taken[i]), notes[i] or ''
  answer[n + 4], answer[n + 5] = j and job_row(j) or '', j and definitions[i] or ''
end
return answer
`;
