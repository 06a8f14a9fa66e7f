/**
 * Changes one job, if it is still the one that was read.
 *
 * ARGV: 3 uid, 4 version, 5 lane label, 6 `max|all|state|next|due|runCount`, 7 id and reason as lines,
 * 8 the definition, or nothing to leave it. Answers with the new row, or nothing.
 */
export const update: string = String.raw`
local uid = ARGV[3]
load_jobs({ uid })
local j = jobs[uid]
if not j or j.version ~= ARGV[4] then return false end
j.was = j.lane
j.most, j.all, j.state, j.next, j.due, j.count = match(ARGV[6], '^(%d+)|([01])|(%a+)|(%-?%d*)|(%-?%d*)|(%d+)$')
j.version, j.most = int(tonumber(j.version) + 1), tonumber(j.most)
j.rest, j.moved, j.tell = ARGV[7], true, true
if ARGV[8] ~= '' then
  j.lane = lane_number(ARGV[5])
  hset('defs', uid, ARGV[8])
end
-- More room than before is found by looking at the waiting runs again.
j.left = true
refold(j)
settle({ [uid] = j })
return job_row(j)
`;
