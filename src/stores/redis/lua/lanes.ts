/**
 * A lane is the jobs of one executor and one task: neither a full executor nor a task nobody here knows stands in the
 * way of the others, and a look costs what it finds.
 *
 * `lane_number` gives a label's number and makes it if need be; `lanes_of` the lanes that a room covers, told by
 * ARGV[at] on: how many executors; each one's name as JSON and its room; `all`, or how many tasks and their names as JSON.
 */
export const lanes: string = String.raw`
local lane_numbers = {}
local function lane_number(label)
  local number = lane_numbers[label] or call('HGET', P .. 'lanes', label)
  if not number then
    number = int(call('HLEN', P .. 'lanes') + 1)
    call('HSET', P .. 'lanes', label, number)
  end
  lane_numbers[label] = number
  return number
end

local function lanes_of(at)
  local executors, room, found = {}, {}, {}
  local count = tonumber(ARGV[at])
  for i = 1, count do
    executors[i] = ARGV[at + 2 * i - 1]
    room[i] = tonumber(ARGV[at + 2 * i])
  end
  at = at + 2 * count + 1
  if ARGV[at] == 'all' then
    local stored = call('HGETALL', P .. 'lanes')
    for i = 1, #stored, 2 do
      for e = 1, count do
        local start = '1[' .. executors[e] .. ','
        if room[e] > 0 and string.sub(stored[i], 1, #start) == start then found[#found + 1] = { number = stored[i + 1], executor = e } end
      end
    end
    return found, room
  end
  local tasks = tonumber(ARGV[at])
  for e = 1, count do
    if room[e] > 0 and tasks > 0 then
      local labels = {}
      for t = 1, tasks do labels[t] = '1[' .. executors[e] .. ',' .. ARGV[at + t] .. ']' end
      local numbers = mget(P .. 'lanes', labels)
      for t = 1, tasks do
        if numbers[t] then found[#found + 1] = { number = numbers[t], executor = e } end
      end
    end
  end
  return found, room
end
`;
