package gate

import "github.com/wharfgate/wharfgate/pkg/config"

// formerPaths gives the paths of the token server that was here before. Keycloak had all of its paths below /auth until
// its version 17, and has them there wherever its operator kept that.
func formerPaths(p config.FormerPaths) []string {
	var all []string
	for _, name := range p.KeycloakRealms {
		path := "/realms/" + name + "/protocol/docker-v2/auth"
		all = append(all, path, "/auth"+path)
	}
	if p.DockerAuth {
		all = append(all, "/auth")
	}
	return all
}
