// Package config is the service configuration: the one YAML file that an operator writes.
//
// [Load] reads a file, refuses everything that it does not understand (unknown and duplicate keys, anchors,
// tags, several documents), fills in defaults, resolves the paths of files against the file's own folder and
// validates. [Config.Validate] is pure: it opens no file and asks no server. Both report every fault at once,
// each with its place, its path, what is wrong and what to do ([Faults]).
//
// The struct tags of [Config] are the one description of the file: the decoder, [Default], the bounds that
// Validate checks, [Keys], [Schema] and the tables of docs/reference/config.md all come from them.
//
//	yaml      the key
//	default   the value of an absent key
//	enum      the values that are accepted
//	min, max  bounds, included
//	required  an absent or empty value is a fault
//	file      a path, resolved against the configuration file's folder
//	doc       what it means
//	example   a value to learn from
//
// Secrets are never in the file: it holds the paths of files that hold them. There is no environment layer.
// The package imports nothing else of this module.
package config
