/**
 * Stores jobs, by the rules of registering anew. All of the list or nothing.
 *
 * ARGV: 3 what to do on a conflict; 4 how many lane labels, the labels; how many jobs; a list as JSON, in it for each job
 * `lane index|max|all|state|next|due|runCount \n id \n reason` and its definition.
 * Answers for each: its uid, if it was added as given; else -2 replaced, -3 kept or -4 in the way, and the row and the definition of
 * what is stored, '' for nothing.
 */
export const add: string = String.raw`
local conflict = ARGV[3]
local labels = tonumber(ARGV[4])
local numbers = {}
local at = 5 + labels
local count = tonumber(ARGV[at])
local list = cjson.decode(ARGV[at + 1])
local ids, uids, stored = {}, {}, {}
for i = 1, count do ids[i] = match(list[2 * i - 1], '\n([^\n]*)') end
local known, uid_by_id = mget(P .. 'ids', ids), {}
for i = 1, count do
  if known[i] then uid_by_id[ids[i]] = known[i] stored[#stored + 1] = known[i] end
end
if conflict == 'error' then
  local answer, seen, refused = {}, {}, false
  for i = 1, count do
    local taken = known[i] or seen[ids[i]]
    seen[ids[i]] = true
    if taken then refused = true end
    answer[#answer + 1] = taken and -4 or -3
    answer[#answer + 1] = known[i] and call('HGET', P .. 'jobs', known[i]) or ''
    answer[#answer + 1] = known[i] and call('HGET', P .. 'defs', known[i]) or ''
  end
  if refused then return answer end
end

-- By uid: the row and the definition as they are, and as they shall be.
local row_of, definition_of, changed = {}, {}, {}
local rows, definitions = mget(P .. 'jobs', stored), mget(P .. 'defs', stored)
for i = 1, #stored do row_of[stored[i]], definition_of[stored[i]] = rows[i] or '', definitions[i] or '' end

for i = 1, labels do numbers[i] = lane_number(ARGV[4 + i]) end
local last = tonumber(call('HGET', P .. 'meta', 'uid') or 0)
local answer = {}
local function reply(code, uid)
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = code, row_of[uid], definition_of[uid]
end
local function store(id, uid, head, due, most, all, lane, rest, definition)
  local row = '1|' .. uid .. '|1|0|0|' .. most .. '|' .. all .. '|' .. lane .. '|' .. head .. '\n' .. rest
  hset('jobs', uid, row)
  hset('defs', uid, definition)
  row_of[uid], definition_of[uid] = row, definition
  uid_by_id[id] = uid
  if due ~= '' then zadd('due:' .. lane, due, uid) announce(due) end
end

for i = 1, count do
  local id, definition = ids[i], list[2 * i]
  local label, most, all, head, state, next, due, begun, rest =
    match(list[2 * i - 1], '^(%d+)|(%d+)|([01])|((%a+)|(%-?%d*)|(%-?%d*)|(%d+))\n(.*)$')
  local lane = numbers[tonumber(label)]
  local uid = uid_by_id[id]
  if not uid then
    last = last + 1
    uid = int(last)
    hset('ids', id, uid)
    store(id, uid, head, due, most, all, lane, rest, definition)
    answer[#answer + 1] = last
  else
    local j = changed[uid] or read_job(uid, row_of[uid])
    local newer = not j and tonumber(match(row_of[uid], '^(%d+)|') or 0) > 1
    if newer or (conflict == 'keep' and j) then
      reply(-3, uid)
    else
      local registration, trigger = match(definition_of[uid], '^([^\n]*)\n([^\n]*)\n')
      local fresh, others = match(definition, '^([^\n]*)\n[^\n]*\n(.*)$')
      local same = registration == fresh
      if j and same and j.state == 'finished' then
        reply(-3, uid)
      elseif not j or j.state == 'finished' then
        -- Unreadable, or a finished job registered with another trigger: a new job takes its place.
        call('HDEL', P .. 'jobs', uid)
        call('HDEL', P .. 'defs', uid)
        if j then changed[uid] = nil end
        last = last + 1
        uid = int(last)
        hset('ids', id, uid)
        excess[#excess + 1] = id
        store(id, uid, head, due, most, all, lane, rest, definition)
        reply(-2, uid)
      else
        unfold(j)
        jobs[uid], changed[uid] = j, j
        j.was = j.was or j.lane
        j.version = int(tonumber(j.version) + 1)
        j.most, j.all, j.lane, j.moved = tonumber(most), all, lane, true
        if same then
          definition = registration .. '\n' .. trigger .. '\n' .. others
          if j.state == 'parked' then
            -- A time that is none is what it may have been parked for.
            if not tonumber(j.next) or math.abs(tonumber(j.next)) > 8.64e15 then j.next = next end
            j.state, j.due, j.rest, j.tell = 'waiting', j.next, rest, true
          end
        else
          j.state, j.next, j.due, j.count, j.rest, j.tell = state, next, due, begun, rest, true
        end
        hset('defs', uid, definition)
        refold(j)
        row_of[uid], definition_of[uid] = job_row(j), definition
        reply(-2, uid)
      end
    end
  end
end
hset('meta', 'uid', int(last))
settle(changed)
return answer
`;
