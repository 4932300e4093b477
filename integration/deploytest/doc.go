// Package deploytest checks every file in deploy/ with the program that it is for: the examples with the gate's own
// packages, the image with buildah, the unit with systemd-analyze, the Prometheus files with promtool.
package deploytest
