/**
 * Removes jobs, records their waiting runs as cancelled, and puts the claims of their running ones where anybody finds them.
 *
 * ARGV: 3 how many runs that are over are to be kept; 4 `all`, or how many ids and the ids. Answers with the ids of those that were there.
 */
export const remove: string = String.raw`
local keep, ids = tonumber(ARGV[3]), {}
if ARGV[4] == 'all' then
  ids = call('HKEYS', P .. 'ids')
else
  for i = 1, tonumber(ARGV[4]) do ids[i] = ARGV[4 + i] end
end
local now = int(time())
local known, uids, gone = mget(P .. 'ids', ids), {}, {}
for i = 1, #ids do
  if known[i] then uids[#uids + 1] = known[i] end
end
load_jobs(uids)
local forgotten, seen = {}, {}
for i = 1, #ids do
  local uid = known[i]
  if uid and not seen[uid] then
    seen[uid] = true
    gone[#gone + 1], forgotten[#forgotten + 1] = ids[i], uid
    local j = jobs[uid]
    if j then
      if unfold(j).due ~= '' then zrem('due:' .. j.lane, uid) end
      if j.queued > 0 then zrem('ready:' .. j.lane, uid) end
      move_leases(j, j.lane, '0')
      if j.queued > 0 then
        local queue, waiting = queue_of(uid), {}
        for k = 1, #queue do waiting[k] = id_of_waiting(uid, queue[k]) end
        load_runs(waiting)
        for k = 1, #waiting do
          zrem('waiting', queue[k])
          local r = runs[waiting[k]]
          if r then
            r.outcome, r.finished = 'cancelled', now
            say(r, 'the job was removed')
            hset('runs', r.id, run_row(r))
          end
        end
      end
    end
  end
end
flush()
send('HDEL', P .. 'ids', gone)
send('HDEL', P .. 'jobs', forgotten)
send('HDEL', P .. 'defs', forgotten)
if keep then send('SADD', P .. 'excess', gone) end
return gone
`;
