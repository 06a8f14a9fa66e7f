/**
 * Prolongs claims. Only those that their owner knows of: a claim whose answer was lost on the way runs out, as nobody works on it.
 *
 * ARGV: 3 owner, 4 lease, 5 how many runs it holds, for each its id and fence; then pairs of run id and progress as JSON.
 * Answers with one list: how many runs to cancel, their ids, then the ids of those that are lost.
 */
export const heartbeat: string = String.raw`
local owner, count = ARGV[3], tonumber(ARGV[5])
local expiry = int(time() + tonumber(ARGV[4]))
local ids, uids, held, cancel, lost = {}, {}, {}, {}, {}
for i = 1, count do ids[i] = ARGV[4 + 2 * i] end
load_runs(ids)
for i = 1, count do
  local r = runs[ids[i]]
  if r and r.outcome == 'running' and r.owner == owner and r.fence == tonumber(ARGV[5 + 2 * i]) then
    held[ids[i]] = true
    uids[#uids + 1] = r.uid
    if r.cancel == '1' then cancel[#cancel + 1] = ids[i] end
  else
    lost[#lost + 1] = ids[i]
  end
end
load_jobs(uids)
for id in pairs(held) do
  local j = jobs[runs[id].uid]
  zadd('lease:' .. (j and j.lane or '0'), expiry, id)
end
for i = 6 + 2 * count, #ARGV, 2 do
  if held[ARGV[i]] then hset('progress', ARGV[i], ARGV[i + 1]) end
end
flush()
local answer = { #cancel }
for i = 1, #cancel do answer[#answer + 1] = cancel[i] end
for i = 1, #lost do answer[#answer + 1] = lost[i] end
return answer
`;

/**
 * Asks a run to stop. ARGV: 3 its id, 4 the reason, 5 how many runs that are over are to be kept.
 * Answers `cancelled` for one that waited, `requested` for one that runs, or nothing.
 */
export const cancel: string = String.raw`
load_runs({ ARGV[3] })
local r = runs[ARGV[3]]
if not r or (r.outcome ~= 'waiting' and r.outcome ~= 'running') then return false end
if r.outcome == 'running' then
  r.cancel = '1'
  say(r, ARGV[4])
  hset('runs', r.id, run_row(r))
  flush()
  return 'requested'
end
load_jobs({ r.uid })
local j, changed = jobs[r.uid], {}
if j then
  leave_waiting(r, j)
  changed[r.uid] = j
else
  zrem('waiting', waiting_member(r))
end
r.outcome, r.finished = 'cancelled', int(time())
say(r, ARGV[4])
over(r.job_id, j, tonumber(ARGV[5]))
hset('runs', r.id, run_row(r))
settle(changed)
return 'cancelled'
`;
