/**
 * A page of runs, newest first: by scheduled time, then by id, both descending.
 *
 * ARGV: 3 the id of a job, or nothing for all jobs; 4 and 5 the places to begin before and to end at, or nothing; 6 how many to look at;
 * 7 the outcomes wanted, as ` waiting failed `, or nothing for all; 8 how many to answer at most.
 * Answers with the place of the last one looked at, '' if there are no more; then place, row and progress of each.
 */
export const history: string = String.raw`
local start, wanted, most = ARGV[3] ~= '' and ARGV[3] .. '\n' or '', ARGV[7], tonumber(ARGV[8])
local key = start == '' and 'history' or 'histories'
-- All places of a job lie between its id with a line break and its id with the character after that.
local highest = ARGV[4] ~= '' and '(' .. start .. ARGV[4] or start == '' and '+' or '(' .. ARGV[3] .. '\11'
local lowest = (ARGV[5] ~= '' or start ~= '') and '[' .. start .. ARGV[5] or '-'
local places, ids = call('ZREVRANGEBYLEX', P .. key, highest, lowest, 'LIMIT', 0, ARGV[6]), {}
for i = 1, #places do
  places[i] = string.sub(places[i], #start + 1)
  ids[i] = string.sub(places[i], 17)
end
local answer = { #places == tonumber(ARGV[6]) and places[#places] or '' }
local rows, notes = mget(P .. 'runs', ids), mget(P .. 'progress', ids)
local found = 0
for i = 1, #places do
  local outcome = rows[i] and match(rows[i], '^1|(%a+)|')
  if outcome and (wanted == '' or string.find(wanted, ' ' .. outcome .. ' ', 1, true)) then
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = places[i], rows[i], notes[i] or ''
    found = found + 1
    if found == most then
      if i < #places then answer[1] = places[i] end
      break
    end
  end
end
return answer
`;

/**
 * One run. ARGV: 3 its id. Answers with its place, row and progress, or nothing.
 */
export const oneRun: string = String.raw`
load_runs({ ARGV[3] })
local r = runs[ARGV[3]]
if not r then return false end
return { sortable(r.scheduled) .. r.id, run_row(r), call('HGET', P .. 'progress', r.id) or '' }
`;

/**
 * Forgets runs that are over and past what is to be kept, and with them the finished jobs that nobody can register again.
 *
 * ARGV: 3 how many of each job are to be kept, or nothing; 4 for how many milliseconds, or nothing; 5 how many to forget at most.
 * Answers with how many went.
 */
export const prune: string = String.raw`
local keep, age, budget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local gone, spent, seen = {}, {}, {}
local function forget(id, place, job_id)
  if not seen[job_id] and match(job_id, '^auto%-%x+%-%x+%-%x+%-%x+%-%x+$') then
    seen[job_id] = true
    spent[#spent + 1] = job_id
  end
  zrem('history', place)
  zrem('histories', job_id .. '\n' .. place)
  gone[#gone + 1] = id
  runs[id] = false
end
local function is_over(r) return r and r.outcome ~= 'waiting' and r.outcome ~= 'running' end
local function load_places(places, skip)
  local ids = {}
  for i = 1, #places do ids[i] = string.sub(places[i], skip + 17) end
  load_runs(ids)
  return ids
end

-- No run is over before it was scheduled, so the oldest are at the front. Those that are not old for all that are stepped past, some thousands at most.
if age then
  local before = time() - age
  local places = call('ZRANGEBYLEX', P .. 'history', '-', '(' .. sortable(before), 'LIMIT', 0, 5 * budget)
  local ids = load_places(places, 0)
  for i = 1, #ids do
    local r = runs[ids[i]]
    if #gone < budget and is_over(r) and tonumber(r.finished) < before then forget(r.id, places[i], r.job_id) end
  end
end

-- A job's history from its oldest run on; runs that are not over are stepped past, those that cannot be read go.
local candidates = keep and call('SRANDMEMBER', P .. 'excess', 100) or {}
flush()
for i = 1, #candidates do
  local lowest, highest, from = '[' .. candidates[i] .. '\n', '(' .. candidates[i] .. '\11', 0
  local uid = call('HGET', P .. 'ids', candidates[i])
  if uid then load_jobs({ uid }) end
  local j = uid and jobs[uid]
  local surplus = call('ZLEXCOUNT', P .. 'histories', lowest, highest) - (j and j.active + j.queued or 0) - keep
  while surplus > 0 and #gone < budget do
    local places = call('ZRANGEBYLEX', P .. 'histories', lowest, highest, 'LIMIT', from, 200)
    if #places == 0 then break end
    local ids = load_places(places, #candidates[i] + 1)
    for k = 1, #ids do
      local r = runs[ids[k]]
      if surplus > 0 and #gone < budget and (not r or is_over(r)) then
        forget(ids[k], string.sub(places[k], #candidates[i] + 2), candidates[i])
        surplus = surplus - 1
      end
    end
    from = from + #places
  end
  if #gone < budget then call('SREM', P .. 'excess', candidates[i]) end
end
flush()

-- Nobody can register a job again whose id was made for it: it goes with the first of its runs.
local uids, forgotten, names = mget(P .. 'ids', spent), {}, {}
for i = 1, #spent do
  local uid = uids[i]
  if uid then load_jobs({ uid }) end
  if uid and jobs[uid] and jobs[uid].state == 'finished' then
    forgotten[#forgotten + 1], names[#names + 1] = uid, spent[i]
  end
end
send('HDEL', P .. 'ids', names)
send('HDEL', P .. 'jobs', forgotten)
send('HDEL', P .. 'defs', forgotten)
send('HDEL', P .. 'runs', gone)
send('HDEL', P .. 'progress', gone)
send('SREM', P .. 'unreadable', gone)
return #gone
`;
