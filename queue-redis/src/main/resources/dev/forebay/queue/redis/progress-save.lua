-- KEYS[1] the work; ARGV[1] token in 20 digits, ARGV[2] retention in ms, ARGV[3] progress.
-- Returns 1 when it is saved, 0 when a larger token was there, 2 for a value of somebody else's.
local kept = redis.call('GETRANGE', KEYS[1], 0, 20)
if kept ~= '' then
  if not string.find(kept, '^P%d+$') or #kept < 21 then
    return 2
  end
  if string.sub(kept, 2) > ARGV[1] then
    return 0
  end
end
redis.call('SET', KEYS[1], 'P' .. ARGV[1] .. ARGV[3], 'PX', ARGV[2])
return 1
