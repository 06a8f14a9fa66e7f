/**
 * Records how held runs went on.
 *
 * ARGV: 3 how many runs that are over are to be kept, 4 how many, 5 a list as JSON; in it for each run its id, its fence, its job's uid and
 * the row that it becomes; then pairs of run id and progress. Answers with 1 for each that was taken, 2 and the reason
 * if it is cancelled instead of waiting, 0 for one that was refused.
 */
export const finish: string = String.raw`
local keep, count = tonumber(ARGV[3]), tonumber(ARGV[4])
local function reason_of(row) return match(row, '^[^\n]*\n[^\n]*\n[^\n]*\n([^\n]*)') end
local list = cjson.decode(ARGV[5])
local now = int(time())
local ids, uids, seen, changed, answer, taken, rows = {}, {}, {}, {}, {}, {}, {}
for i = 1, count do ids[i], uids[i] = list[4 * i - 3], list[4 * i - 1] end
fetch_jobs(uids)
local stored = mget(P .. 'runs', ids)
for i = 1, count do
  local id, fence, row = ids[i], list[4 * i - 2], list[4 * i]
  local before = seen[id] or stored[i] or ''
  local state, last, cancel = match(before, '^1|(%a+)|(%d+)|%d+|([01])|')
  local outcome, finished = match(row, '^1|(%a+)|%d+|%d+|0|%-?%d+|(%-?%d*)|')
  if state == 'running' and last == fence then
    local uid, stopped = uids[i], false
    local j = outcome ~= 'waiting' and light_job(uid, true) or heavy_job(uid)
    zrem('lease:' .. (j and j.lane or '0'), id)
    if outcome == 'waiting' or finished == '' then
      local r = read_run(id, row)
      if j and outcome == 'waiting' and cancel == '0' then
        enter_waiting(r, j)
      else
        if outcome == 'waiting' then
          r.outcome = 'cancelled'
          stopped = j and reason_of(before) or 'the job was removed'
          say(r, stopped)
          outcome = 'cancelled'
        end
        r.finished = now
        row = run_row(r)
      end
    end
    if j then
      j.active = max(0, j.active - 1)
      if j == light then put(j) else changed[uid] = j end
    end
    if (not j or outcome ~= 'waiting') and may_exceed(j, keep) then over(match(row, '\n([^\n]*)'), j, keep) end
    rows[#rows + 1] = id
    rows[#rows + 1] = row
    seen[id], taken[id], answer[i] = row, true, stopped and '2' .. stopped or '1'
  else
    -- The same write again is taken again; one that said waiting may have been cancelled or skipped since.
    local since = outcome == 'waiting' and (state == 'cancelled' or state == 'skipped')
    local again = last == fence and (state == outcome or since)
    if again then taken[id] = true end
    answer[i] = not again and '0' or since and state == 'cancelled' and '2' .. reason_of(before) or '1'
  end
end
for i = 4 * count + 1, #list, 2 do
  if taken[list[i]] then hset('progress', list[i], list[i + 1]) end
end
send('HSET', P .. 'runs', rows)
settle(changed)
return answer
`;
