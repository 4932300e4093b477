package gate

import (
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// PolicyOptions says what the policy of a configuration may refer to. With it no directory is asked.
func PolicyOptions(cfg config.Config) policyfile.Options { return checkOptions(cfg, nil) }
