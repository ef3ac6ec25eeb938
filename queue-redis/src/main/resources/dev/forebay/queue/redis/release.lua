-- KEYS[1] the work; ARGV[1] token. Returns 1 when the claim was live, else 0.
if redis.call('GET', KEYS[1]) == 'C' .. ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
