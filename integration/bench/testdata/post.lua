-- Posts one form after another. The argument is a file with one body a line; all go to the same path. Threads begin at
-- different lines, so that no two ask for the same account at the same time.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  requests, at = {}, 0
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  wrk.headers["User-Agent"] = "docker/28.2.2 go/go1.24.3 os/linux arch/amd64"
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", "/auth/token", nil, line)
  end
  at = math.floor(number * #requests / 2)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local e = summary.errors
  print(string.format("figures %d %d %d %d %d %d", summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
