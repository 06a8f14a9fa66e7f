/**
 * Decides due times of many jobs in one step.
 *
 * ARGV: 3 lease, 4 how many runs that are over are to be kept, 5 how many jobs, 6 a list as JSON, which is quicker to write than as many
 * arguments; in it for each job
 * `uid|version|next version|cancel|runs|due|state|next|due|runCount \n id \n reason`, and for each of its runs three:
 * - `r`, its place in the order of runs; its row up to the fence; its row from there on: it is started;
 * - `w`, its place; its row; its member of the waiting runs: it waits;
 * - `o`, its place; its row up to when it was over; its row from there on: it is over at once.
 * Answers with one list: for each job 0 if it was not as read; else 1, its active and queued runs, whether it is finished, and for each run
 * its fence if it was started, 0 if it was recorded, -1 if its key was taken.
 */
export const fire: string = String.raw`
local lease, keep, count = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local list = cjson.decode(ARGV[6])
local now = time()
local finished, expiry = int(now), int(now + lease)
local uids, versions, later, cancels, plans, dues, tails, states, first, ids = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}
local at = 1
for i = 1, count do
  uids[i], versions[i], later[i], cancels[i], plans[i], dues[i], tails[i], states[i] =
    match(list[at], '^(%d+)|(%d+)|(%d+)|([01])|(%d+)|(%-?%d*)|((%a+)|.*)$')
  first[i] = at + 1
  at = at + 1 + 3 * plans[i]
  for k = first[i], at - 1, 3 do ids[#ids + 1] = string.sub(list[k], 18) end
end
fetch_jobs(uids)
local stored, taken = mget(P .. 'runs', ids), {}
for k = 1, #ids do
  if stored[k] then taken[ids[k]] = true end
end

local superseded = 'superseded by a later fire time'
local function supersede(j)
  for _, r in ipairs(running_of(j)) do
    if r.manual == '0' then
      r.cancel = '1'
      say(r, superseded)
      hset('runs', r.id, run_row(r))
    end
  end
  local queue, waiting = queue_of(j.uid), {}
  for k = 1, #queue do waiting[k] = id_of_waiting(j.uid, queue[k]) end
  load_runs(waiting)
  for k = 1, #waiting do
    local r = runs[waiting[k]]
    if r and r.manual == '0' and r.outcome == 'waiting' then
      leave_waiting(r, j)
      r.outcome, r.finished = 'skipped', finished
      say(r, superseded)
      over(r.job_id, j, keep)
      hset('runs', r.id, run_row(r))
    end
  end
end

local fence = tonumber(call('HGET', P .. 'meta', 'fence') or 0)
local changed, answer, a, n = {}, {}, 0, 0
-- Every run stands in two orders from its first moment on.
local history, histories, rows = list_of(additions, 'history'), list_of(additions, 'histories'), {}
local RUNNING, WAITING, run = string.byte('r'), string.byte('w'), 0
for i = 1, count do
  local uid, last, starts, simple = uids[i], first[i] + 3 * plans[i] - 1, 0, cancels[i] == '0'
  for k = first[i], last, 3 do
    local kind = string.byte(list[k])
    if kind == WAITING then simple = false end
    if kind == RUNNING and not taken[ids[run + (k - first[i]) / 3 + 1]] then starts = starts + 1 end
  end
  local j = simple and light_job(uid, false) or heavy_job(uid)
  local won = j and j.version == versions[i] and (starts == 0 or j.active + starts <= j.most)
  a = a + 1
  if not won then
    answer[a] = 0
    run = run + plans[i]
  else
    answer[a] = 1
    local summary = a
    a = a + 3
    if cancels[i] == '1' then supersede(j) end
    j.version, j.state, j.due, j.tail = later[i], states[i], dues[i], tails[i]
    local job_id = id_of_job(j)
    if last > first[i] + 2 then over(job_id, nil, keep) end
    for k = first[i], last, 3 do
      run = run + 1
      a = a + 1
      local id, kind = ids[run], string.byte(list[k])
      if taken[id] then
        answer[a] = -1
      else
        local place, row = string.sub(list[k], 2)
        taken[id] = true
        if kind == RUNNING then
          fence = fence + 1
          answer[a] = fence
          row = list[k + 1] .. fence .. list[k + 2]
          j.active = j.active + 1
          zadd('lease:' .. j.lane, expiry, id)
        else
          answer[a] = 0
          if kind == WAITING then
            row = list[k + 1]
            zadd('waiting', '0', list[k + 2])
            j.queued = j.queued + 1
          else
            row = list[k + 1] .. finished .. list[k + 2]
            over(job_id, j, keep)
          end
        end
        n = n + 2
        history[n - 1], history[n] = '0', place
        histories[n - 1], histories[n] = '0', job_id .. '\n' .. place
        rows[n - 1], rows[n] = id, row
      end
    end
    if j == light then
      put(j)
      if j.due == '' then zrem('due:' .. j.lane, uid) else zadd('due:' .. j.lane, j.due, uid) end
    else
      j.moved = true
      changed[uid] = j
    end
    answer[summary + 1], answer[summary + 2] = j.active, j.queued
    answer[summary + 3] = (j.state == 'ending' and j.active == 0 and j.queued == 0) and 1 or 0
  end
end
call('HSET', P .. 'meta', 'fence', int(fence))
send('HSET', P .. 'runs', rows)
settle(changed)
return answer
`;
