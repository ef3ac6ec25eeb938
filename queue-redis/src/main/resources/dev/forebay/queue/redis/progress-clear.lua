-- KEYS[1] the work; ARGV[1] token in 20 digits.
-- Returns 1 when it is forgotten, 0 when there was nothing or a larger token, 2 for a value of
-- somebody else's.
local kept = redis.call('GETRANGE', KEYS[1], 0, 20)
if kept == '' then
  return 0
end
if not string.find(kept, '^P%d+$') or #kept < 21 then
  return 2
end
if string.sub(kept, 2) > ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
