/**
 * Parks a job whose definition cannot be read. ARGV: 3 uid, 4 version, 5 the reason. Answers whether it was still there.
 */
export const park: string = String.raw`
load_jobs({ ARGV[3] })
local j = jobs[ARGV[3]]
if not j or j.version ~= ARGV[4] then return 0 end
unfold(j)
j.version, j.state, j.due, j.moved = int(tonumber(j.version) + 1), 'parked', '', true
j.rest = id_of_job(j) .. '\n' .. ARGV[5]
refold(j)
settle({ [ARGV[3]] = j })
return 1
`;

/**
 * Makes the store ready. ARGV: 3 the row format. Answers with the server's time and the newest format that ever wrote here.
 */
export const open: string = String.raw`
local newest = max(tonumber(call('HGET', P .. 'meta', 'format') or 0), tonumber(ARGV[3]))
call('HSET', P .. 'meta', 'format', newest)
return { time(), newest }
`;

/**
 * A page of all jobs for a survey. ARGV: 3 the cursor, '0' to begin with, 4 about how many. Answers with the next cursor, '0' at the end;
 * then `id \n format \n state \n reason \n task \n executor` of each, as far as that can be read.
 */
export const survey: string = String.raw`
local page = call('HSCAN', P .. 'ids', ARGV[3], 'COUNT', ARGV[4])
local ids, uids = {}, {}
for i = 1, #page[2], 2 do ids[#ids + 1], uids[#uids + 1] = page[2][i], page[2][i + 1] end
local rows, definitions, answer = mget(P .. 'jobs', uids), mget(P .. 'defs', uids), { page[1] }
for i = 1, #ids do
  local j = rows[i] and read_job(uids[i], rows[i])
  local reason = j and match(unfold(j).rest, '\n([^\n]*)') or ''
  local task, executor = match(definitions[i] or '', '^[^\n]*\n[^\n]*\n[^\n]*\n([^\n]*)\n([^\n]*)\n')
  answer[i + 1] = ids[i] .. '\n' .. (rows[i] and match(rows[i], '^(%d+)|') or '') .. '\n' .. (j and j.state or '') .. '\n' .. reason .. '\n' .. (task or '')
    .. '\n' .. (executor or '')
end
return answer
`;

/**
 * Runs that cannot be read. Answers with their ids, some thousand at most.
 */
export const unreadableRuns: string = String.raw`
local page, answer = call('SSCAN', P .. 'unreadable', '0', 'COUNT', 1000), {}
for i = 1, #page[2] do answer[i] = page[2][i] end
return answer
`;
