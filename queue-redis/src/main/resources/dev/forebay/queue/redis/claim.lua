-- KEYS[1] the work; ARGV[1] token, ARGV[2] term in ms.
-- Returns {0} granted, {1, remaining ms} in progress, {2, completion} finished.
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'C' .. ARGV[1], 'PX', ARGV[2])
  return {0}
end
if string.sub(held, 1, 1) ~= 'C' then
  return {2, held}
end
if held == 'C' .. ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {0}
end
local remaining = redis.call('PTTL', KEYS[1])
if remaining < 0 then
  -- Somebody took its time-to-live away: such a claim would never end.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  remaining = tonumber(ARGV[2])
end
return {1, remaining}
