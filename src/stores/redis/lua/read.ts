/**
 * One job. ARGV: 3 its id. Answers with its row and definition, or nothing.
 */
export const get: string = String.raw`
local uid = call('HGET', P .. 'ids', ARGV[3])
if not uid then return false end
return { call('HGET', P .. 'jobs', uid) or '', call('HGET', P .. 'defs', uid) or '' }
`;

/**
 * A page of all jobs, in no order; whoever was there from the first page to the last is in one of them.
 * ARGV: 3 the cursor, '0' to begin with, 4 about how many. Answers with the next cursor, '0' at the end; then row and definition of each.
 */
export const scan: string = String.raw`
local page = call('HSCAN', P .. 'ids', ARGV[3], 'COUNT', ARGV[4])
local uids = {}
for i = 2, #page[2], 2 do uids[#uids + 1] = page[2][i] end
local rows, definitions, answer = mget(P .. 'jobs', uids), mget(P .. 'defs', uids), { page[1] }
for i = 1, #uids do answer[2 * i], answer[2 * i + 1] = rows[i] or '', definitions[i] or '' end
return answer
`;

/**
 * Jobs that are due, of the lanes that the room covers.
 * ARGV: 3 how many at most, 4 the room. Answers with the time; then row and definition of each, by due time.
 */
export const due: string = String.raw`
local now, limit = time(), tonumber(ARGV[3])
local found, room = lanes_of(4)
local until_now = int(now)
-- The lanes are merged a page at a time, so that many lanes with a backlog cost no more than what is taken.
local page = max(8, math.ceil(2 * limit / max(1, #found)))
local function fetch(lane)
  local from = lane.taken or 0
  local part = call('ZRANGEBYSCORE', P .. 'due:' .. lane.number, '-inf', until_now, 'WITHSCORES', 'LIMIT', from, page)
  lane.taken, lane.part, lane.position = from + #part / 2, part, 1
  lane.score = part[2] and tonumber(part[2])
end
-- Past the jobs of newer releases, which stay where they are.
local function collect(newer)
  local uids, lanes, left, open = {}, {}, {}, {}
  for e = 1, #room do left[e] = room[e] end
  for i = 1, #found do
    found[i].taken = nil
    fetch(found[i])
    if found[i].score then open[#open + 1] = found[i] end
  end
  while #uids < limit and #open > 0 do
    local best = 1
    for i = 2, #open do
      if open[i].score < open[best].score then best = i end
    end
    local lane = open[best]
    if left[lane.executor] <= 0 then
      table.remove(open, best)
    else
      local uid = lane.part[lane.position]
      if not newer[uid] then
        local n = #uids + 1
        uids[n], lanes[n] = uid, lane.number
        left[lane.executor] = left[lane.executor] - 1
      end
      lane.position = lane.position + 2
      if lane.position > #lane.part then fetch(lane) else lane.score = tonumber(lane.part[lane.position + 1]) end
      if not lane.score then table.remove(open, best) end
    end
  end
  return uids, lanes
end
local newer, answer, more = {}, nil, true
while more do
  answer, more = { now }, false
  local uids, lanes = collect(newer)
  local rows, definitions = mget(P .. 'jobs', uids), mget(P .. 'defs', uids)
  for i = 1, #uids do
    if rows[i] and match(rows[i], '^1|%d+|%d+|%d+|%d+|%d+|[01]|%d+|%a+|') then
      answer[#answer + 1] = rows[i]
      answer[#answer + 1] = definitions[i] or ''
    elseif rows[i] and tonumber(match(rows[i], '^(%d+)|') or 0) > 1 then
      newer[uids[i]], more = true, true
    else
      -- It would come again at every look; the survey of "health" names it.
      call('ZREM', P .. 'due:' .. lanes[i], uids[i])
    end
  end
end
return answer
`;

/**
 * When there is something to do next. ARGV: 3 the time up to which due jobs are known, or nothing; 4 the room.
 * Answers with the time, the next job's and the next run's, '' for never.
 */
export const nextDue: string = String.raw`
local found = lanes_of(4)
local after = ARGV[3] ~= '' and '(' .. ARGV[3] or '-inf'
local job, run
local function least(key, best, from)
  local score = tonumber(call('ZRANGEBYSCORE', P .. key, from or '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])
  if score and (not best or score < best) then return score end
  return best
end
run = least('lease:0', run)
for i = 1, #found do
  local number = found[i].number
  job = least('due:' .. number, job, after)
  run = least('ready:' .. number, run)
  run = least('lease:' .. number, run)
end
return { time(), job and int(job) or '', run and int(run) or '' }
`;
