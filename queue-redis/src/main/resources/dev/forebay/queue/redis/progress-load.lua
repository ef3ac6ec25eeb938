-- KEYS[1] the work; ARGV[1] token in 20 digits.
-- Returns {0} nothing, {1, progress}, {2} a value of somebody else's.
-- A value is P, the largest token that has read or saved it, and the progress.
local kept = redis.call('GET', KEYS[1])
if not kept then
  return {0}
end
if string.sub(kept, 1, 1) ~= 'P' or not string.find(string.sub(kept, 2, 21), '^%d+$') or #kept < 21 then
  return {2}
end
if string.sub(kept, 2, 21) < ARGV[1] then
  -- In place, which leaves the time-to-live as it is.
  redis.call('SETRANGE', KEYS[1], 1, ARGV[1])
end
return {1, string.sub(kept, 22)}
