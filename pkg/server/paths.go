package server

import (
	"fmt"
	"strings"
)

// newRoutes gives the paths that are answered: the server's own and more of the caller's, each with and without a slash
// at its end, as clients drop it or add one.
func (s *Server) newRoutes(more []string) (map[string]func(*exchange) error, error) {
	routes := make(map[string]func(*exchange) error)
	for _, path := range append([]string{"/token", "/auth/token"}, more...) {
		path = strings.TrimSuffix(path, "/")
		if !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("server: path %q does not begin with a slash and a name", path)
		}
		routes[path], routes[path+"/"] = s.token, s.token
	}
	return routes, nil
}
