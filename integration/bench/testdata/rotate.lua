-- Asks for one token after another, each with the next account. The argument is a file with one request a line:
-- the path, a space, and the Basic credentials. Threads begin at different lines, so that no two ask for the same
-- account at the same time.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  requests, at = {}, 0
  for line in io.lines(args[1]) do
    local path, credentials = line:match("^(%S+) (%S+)$")
    wrk.headers["Authorization"] = "Basic " .. credentials
    wrk.headers["User-Agent"] = "docker/28.2.2 go/go1.24.3 os/linux arch/amd64"
    requests[#requests + 1] = wrk.format("GET", path)
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
