-- KEYS[1] the work; ARGV[1] token, ARGV[2] retention in ms, ARGV[3] kind of completion and result.
-- Returns 1 when the claim was live or has completed before, else 0.
local held = redis.call('GET', KEYS[1])
if not held then
  return 0
end
if held == 'C' .. ARGV[1] then
  local kind = string.sub(ARGV[3], 1, 1)
  redis.call('SET', KEYS[1], kind .. ARGV[1] .. string.sub(ARGV[3], 2), 'PX', ARGV[2])
  return 1
end
if string.sub(held, 1, 1) ~= 'C' and string.sub(held, 2, 17) == ARGV[1] then
  return 1
end
return 0
