-- KEYS[1] the work; ARGV[1] token, ARGV[2] term in ms. Returns 1 when the claim was live, else 0.
if redis.call('GET', KEYS[1]) == 'C' .. ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
