/**
 * What all scripts begin with. A script is one atomic step of the store; the server's clock rules, which is why the
 * scripts read TIME before they write (Redis 5 and later replicate a script's effects, not its text).
 *
 * KEYS[1] is the store's name in braces, `{punctual}`: every key begins with it, so that a cluster keeps them in one slot.
 * ARGV[1] stands for the server's time in tests and is empty otherwise, ARGV[2] is who sends, so that nobody is woken by himself.
 *
 *     meta         hash   counters `uid` and `fence`, `format`
 *     lanes        hash   "format[executor,task]" -> lane number
 *     ids          hash   job id -> uid
 *     jobs         hash   uid -> 1|uid|version|active|queued|max|all|lane|state|next|due|runCount \n id \n reason
 *     defs         hash   uid -> registration \n trigger \n the rest of the definition
 *     runs         hash   run id -> 1|outcome|fence|crashes|cancel|due|finished|manual|uid|scheduled \n job id \n owner \n reason \n body
 *     progress     hash   run id -> JSON
 *     due:LANE     zset   uid by due time: the jobs that `due` may hand out
 *     ready:LANE   zset   uid by the due time of its first waiting run, while the job is below its maxInstances
 *     lease:LANE   zset   run id by the end of its claim; lane 0 is for runs whose job is gone
 *     waiting      zset   uid:due:run id, in that order
 *     history      zset   scheduled time and run id, in that order
 *     histories    zset   job id \n scheduled time and run id, in that order
 *     excess       set    ids of jobs that may have more runs that are over than are to be kept
 *     unreadable   set    ids of runs whose row cannot be read, and which take no part any more
 *     wake         channel: "sender time"
 *
 * What stands on a line has no line break of its own: ids and other free texts are written as `line.ts` says, the rest is JSON or
 * numbers. Rows of a newer format begin with a higher number: they match no pattern here, and live in lanes that nobody looks into
 * who does not know the format.
 */
export const prelude: string = String.raw`
local P = KEYS[1] .. ':'
local call, match, format, floor, min, max = redis.call, string.match, string.format, math.floor, math.min, math.max
local CHUNK = 4000

local function int(number) return format('%.0f', number) end
local function time()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local t = call('TIME')
  return t[1] * 1000 + floor(t[2] / 1000)
end
-- The text of a small number, which Lua makes slowly.
local numerals = {}
local function numeral(number)
  local text = numerals[number]
  if not text then
    text = int(number)
    numerals[number] = text
  end
  return text
end
-- Orders as text like the times themselves, from 1970 - 31,000 years on.
local function sortable(milliseconds) return format('%016.0f', milliseconds + 1e15) end

-- Lua passes some 8,000 arguments at most.
local function mget(key, fields)
  local values = {}
  for from = 1, #fields, CHUNK do
    local part = call('HMGET', key, unpack(fields, from, min(from + CHUNK - 1, #fields)))
    for i = 1, #part do values[from + i - 1] = part[i] end
  end
  return values
end
local function send(command, key, list)
  for from = 1, #list, CHUNK do call(command, key, unpack(list, from, min(from + CHUNK - 1, #list))) end
end

-- Writes are gathered by key and sent together: removals first, additions then.
local removals, additions, hashes = {}, {}, {}
local function list_of(writes, key)
  local list = writes[key]
  if not list then list = {} writes[key] = list end
  return list
end
local function zrem(key, member)
  local list = list_of(removals, key)
  list[#list + 1] = member
end
local function zadd(key, score, member)
  local list = list_of(additions, key)
  local n = #list
  list[n + 1], list[n + 2] = score, member
end
local function hset(key, field, value)
  local list = list_of(hashes, key)
  local n = #list
  list[n + 1], list[n + 2] = field, value
end
local function flush()
  for key, list in pairs(removals) do send('ZREM', P .. key, list) end
  for key, list in pairs(additions) do send('ZADD', P .. key, list) end
  for key, list in pairs(hashes) do send('HSET', P .. key, list) end
  removals, additions, hashes = {}, {}, {}
end

-- Jobs that this script has read, by uid; false for one that is gone or cannot be read. 'limits' and 'tail' are pieces of the row,
-- written back as they stand; 'unfold' takes the tail apart for whoever needs more of it than the state, 'refold' makes a new one.
local jobs = {}
local function read_job(uid, row)
  local version, active, queued, limits, most, all, lane, tail, state =
    match(row, '^1|%d+|(%d+)|(%d+)|(%d+)|((%d+)|([01])|(%d+))|((%a+)|%-?%d*|%-?%d*|%d+\n[^\n]*\n[^\n]*)$')
  if not version then return false end
  return { uid = uid, version = version, active = tonumber(active), queued = tonumber(queued), limits = limits, most = tonumber(most), all = all,
    lane = lane, tail = tail, state = state }
end
local function unfold(j)
  j.next, j.due, j.count, j.rest = match(j.tail, '^%a+|(%-?%d*)|(%-?%d*)|(%d+)\n(.*)$')
  return j
end
local function refold(j)
  j.limits = int(j.most) .. '|' .. j.all .. '|' .. j.lane
  j.tail = j.state .. '|' .. j.next .. '|' .. j.due .. '|' .. j.count .. '\n' .. j.rest
end
local function load_jobs(uids)
  local wanted = {}
  for i = 1, #uids do
    if jobs[uids[i]] == nil then wanted[#wanted + 1] = uids[i] jobs[uids[i]] = false end
  end
  local rows = mget(P .. 'jobs', wanted)
  for i = 1, #wanted do
    if rows[i] then jobs[wanted[i]] = read_job(wanted[i], rows[i]) end
  end
end
local function job_row(j)
  return '1|' .. j.uid .. '|' .. j.version .. '|' .. numeral(j.active) .. '|' .. numeral(j.queued) .. '|' .. j.limits .. '|' .. j.tail
end

-- Nearly all jobs have no waiting run and do not run a backlog one by one, and are done with quickly: read into one table that is
-- used again and again, and written back by 'put'. A script asks 'light_job' first and falls back on 'heavy_job' and 'settle'. Lua makes
-- an object of each piece of text that is looked at: whoever brings a new tail does not ask for the old one.
local light, light_rows = {}, {}
local function light_job(uid, with_tail)
  local row = jobs[uid] == nil and light_rows[uid]
  if not row then return nil end
  local version, active, limits, most, lane, tail, state = match(row, with_tail
    and '^1|%d+|(%d+)|(%d+)|0|((%d+)|0|(%d+))|((%a+)|%-?%d*|%-?%d*|%d+\n[^\n]*\n[^\n]*)$'
    or '^1|%d+|(%d+)|(%d+)|0|((%d+)|0|(%d+))|%a+|%-?%d*|%-?%d*|%d+\n[^\n]*\n')
  if not version then return nil end
  light.uid, light.version, light.active, light.queued, light.limits, light.most, light.lane = uid, version, tonumber(active), 0, limits, tonumber(most), lane
  light.tail, light.state = tail, state
  return light
end
local function heavy_job(uid)
  local j = jobs[uid]
  if j == nil then
    j = light_rows[uid] and read_job(uid, light_rows[uid])
    jobs[uid] = j
  end
  return j
end
local function put(j)
  if j.state == 'ending' and j.active == 0 then j.tail = 'finished' .. match(j.tail, '|.*$') end
  local row = job_row(j)
  light_rows[j.uid] = row
  hset('jobs', j.uid, row)
end
local function fetch_jobs(uids)
  local rows = mget(P .. 'jobs', uids)
  for i = 1, #uids do light_rows[uids[i]] = rows[i] end
end
local function id_of_job(j) return match(j.tail, '\n([^\n]*)') end

-- Runs likewise, by id. What never changes of a run is one piece.
local runs = {}
local function read_run(id, row)
  local outcome, fence, crashes, cancel, due, finished, fixed, manual, uid, scheduled, job_id, owner, rest =
    match(row, '^1|(%a+)|(%d+)|(%d+)|([01])|(%-?%d+)|(%-?%d*)|(([01])|(%d+)|(%-?%d+)\n([^\n]*))\n([^\n]*)\n(.*)$')
  if not outcome then return false end
  return { id = id, outcome = outcome, fence = tonumber(fence), crashes = tonumber(crashes), cancel = cancel, due = due, finished = finished,
    fixed = fixed, manual = manual, uid = uid, scheduled = scheduled, job_id = job_id, owner = owner, rest = rest }
end
local function load_runs(ids)
  local wanted = {}
  for i = 1, #ids do
    if runs[ids[i]] == nil then wanted[#wanted + 1] = ids[i] runs[ids[i]] = false end
  end
  local rows = mget(P .. 'runs', wanted)
  for i = 1, #wanted do
    if rows[i] then runs[wanted[i]] = read_run(wanted[i], rows[i]) end
  end
end
local function run_row(r)
  return '1|' .. r.outcome .. '|' .. r.fence .. '|' .. r.crashes .. '|' .. r.cancel .. '|' .. r.due .. '|' .. r.finished .. '|' .. r.fixed
    .. '\n' .. r.owner .. '\n' .. r.rest
end
local function say(r, reason) r.rest = reason .. match(r.rest, '\n.*$') end

local function queue_of(uid)
  return call('ZRANGEBYLEX', P .. 'waiting', '[' .. uid .. ':', '(' .. uid .. ';')
end
-- A job's runs under way, out of its history from the newest on: they are seldom asked for, and seldom far back.
local function running_of(j)
  local found, from, id = {}, 0, id_of_job(j)
  while #found < j.active do
    local places, ids = call('ZREVRANGEBYLEX', P .. 'histories', '(' .. id .. '\11', '[' .. id .. '\n', 'LIMIT', from, 100), {}
    if #places == 0 then break end
    for k = 1, #places do ids[k] = string.sub(places[k], #id + 18) end
    load_runs(ids)
    for k = 1, #ids do
      local r = runs[ids[k]]
      if r and r.uid == j.uid and r.outcome == 'running' then found[#found + 1] = r end
    end
    from = from + #places
  end
  return found
end
local function move_leases(j, from, to)
  for _, r in ipairs(running_of(j)) do
    local score = call('ZSCORE', P .. 'lease:' .. from, r.id)
    if score then zrem('lease:' .. from, r.id) zadd('lease:' .. to, score, r.id) end
  end
end
local function waiting_member(r) return r.uid .. ':' .. sortable(r.due) .. ':' .. r.id end
-- uid:sixteen digits:run id
local function id_of_waiting(uid, member) return string.sub(member, #uid + 19) end
local function due_of_waiting(uid, member) return tonumber(string.sub(member, #uid + 2, #uid + 17)) - 1e15 end

-- A run goes from waiting to nothing, from nothing to running, and so on; what its job counts follows.
local function enter_waiting(r, j)
  zadd('waiting', '0', waiting_member(r))
  j.queued = j.queued + 1
end
local function leave_waiting(r, j)
  j.left = true
  zrem('waiting', waiting_member(r))
  j.queued = max(0, j.queued - 1)
end

-- After a run of a job was over: a job that has changed no more often than runs are kept has no more runs than that.
local excess = {}
local function may_exceed(j, keep) return keep and not (j and tonumber(j.version) <= keep) end
local function over(job_id, j, keep)
  if may_exceed(j, keep) then excess[#excess + 1] = job_id end
end

local wake
local function announce(at)
  at = tonumber(at)
  if not wake or at < wake then wake = at end
end

-- Puts every changed job where it belongs now, and sends all writes. In 'due' it stands while it has a due time,
-- save one that runs its backlog one by one and is full; in 'ready' while it has a waiting run and room for it.
local function settle(changed)
  flush()
  for uid, j in pairs(changed) do
    if j.state == 'ending' and j.active == 0 and j.queued == 0 then
      j.state, j.tail = 'finished', 'finished' .. match(j.tail, '|.*$')
    end
    if j.was and j.was ~= j.lane then
      zrem('due:' .. j.was, uid)
      zrem('ready:' .. j.was, uid)
      move_leases(j, j.was, j.lane)
    end
    if j.moved or j.all == '1' then
      if not j.due then unfold(j) end
      if j.due ~= '' and not (j.all == '1' and j.active >= j.most) then
        zadd('due:' .. j.lane, j.due, uid)
        if j.tell or j.all == '1' then announce(j.due) end
      else
        zrem('due:' .. j.lane, uid)
      end
    end
    if j.queued > 0 or j.left then
      local first = j.queued > 0 and j.active < j.most and call('ZRANGEBYLEX', P .. 'waiting', '[' .. uid .. ':', '(' .. uid .. ';', 'LIMIT', 0, 1)[1]
      if first then
        local at = due_of_waiting(uid, first)
        zadd('ready:' .. j.lane, int(at), uid)
        announce(at)
      else
        zrem('ready:' .. j.lane, uid)
      end
    end
    hset('jobs', uid, job_row(j))
  end
  flush()
  send('SADD', P .. 'excess', excess)
  if wake then call('PUBLISH', P .. 'wake', ARGV[2] .. ' ' .. int(wake)) end
end
`;
